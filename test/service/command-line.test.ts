import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { cleanEnvironment } from '../support/clean-environment.ts'
import { readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { launcher, runOcr, startOcr } from '../support/run-ocr.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'

const TIMEOUT = 60_000

let fake: FakeVllm
let gateway: TestGateway
let env: Record<string, string>
const folders: string[] = []

before(async () => {
  fake = await startFakeVllm()
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_API_KEYS: 'me:right-key' })
  env = { OPENAI_BASE_URL: gateway.url, OPENAI_API_KEY: 'right-key' }
})
after(async () => {
  await gateway.stop()
  await fake.kill()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Makes a folder with these files; a number stands for a PDF of one page with that number. */
function makeFolder(files: Readonly<Record<string, number | string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-cli-'))
  folders.push(folder)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'number' ? makePdf([{ number: content }]) : content)
  }
  return folder
}

/** How often the engine was asked for pages with these numbers: other tests ask meanwhile. */
const askedFor = (...numbers: readonly number[]): number =>
  fake.requests.filter(({ image }) => numbers.includes(image?.pageNumber ?? -1)).length

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8')
const manifest = (folder: string) =>
  read(folder, 'ocr-manifest.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('ocr FILES', { timeout: TIMEOUT, concurrency: 2 }, () => {
  it('prints a document from a path, and from standard input', async () => {
    const folder = makeFolder({ '-a.pdf': 101 })
    const fromPath = await runOcr(['--', '-a.pdf'], { cwd: folder, env })
    assert.deepEqual([fromPath.code, fromPath.stderr], [0, ''])
    assert.match(fromPath.stdout, /^This is page 101\.\n[^]*\n$/)
    const fromInput = await runOcr(['-'], { env, input: makePdf([{ number: 101 }]) })
    assert.deepEqual(fromInput, fromPath)
  })

  it('prints several in their order, their names apart from their texts', async () => {
    const folder = makeFolder({ 'a.pdf': 102, 'b.pdf': 103, 'c.pdf': 'no PDF' })
    const { code, stdout, stderr } = await runOcr(['a.pdf', 'c.pdf', 'b.pdf'], { cwd: folder, env })
    assert.equal(code, 1)
    assert.match(stdout, /^This is page 102\.[^]*\n\nThis is page 103\.[^]*\n$/)
    assert.deepEqual(stderr.match(/==> .* <==/g), ['==> a.pdf <==', '==> b.pdf <=='])
    assert.match(stderr, /c\.pdf: document_unreadable: The document is not a PDF/)
    const asJson = await runOcr(['--json', 'a.pdf', 'b.pdf'], { cwd: folder, env })
    const lines = asJson.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; ocr: { pages: object[] } })
    assert.deepEqual(
      lines.map(({ path, ocr }) => [path, ocr.pages.length]),
      [
        ['a.pdf', 1],
        ['b.pdf', 1],
      ],
    )
  })

  it('ends quietly when its reader has left', async () => {
    const folder = makeFolder({ 'a.pdf': makePdf(Array.from({ length: 4 }, (_, index) => ({ number: 110 + index }))) })
    const { child, output, exited } = startOcr(['a.pdf'], { cwd: folder, env })
    child.stdout.destroy()
    assert.equal(await within(exited, 20_000, 'the end'), 141)
    assert.equal(output.stderr, '')
  })
})

describe('ocr --out', { timeout: TIMEOUT, concurrency: 2 }, () => {
  it('says that what was read cannot be printed, and ends with 1', async () => {
    const folder = makeFolder({ 'a.pdf': 105, 'b.pdf': 106 })
    for (const files of ['a.pdf', 'a.pdf b.pdf']) {
      const command = `"$0" "$1" ${files} > /dev/full`
      const child = spawn('sh', ['-c', command, process.execPath, launcher], {
        cwd: folder,
        env: { ...cleanEnvironment, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      const [code] = (await within(once(child, 'close'), 20_000, 'the end')) as [number]
      assert.equal(code, 1, stderr)
      assert.match(stderr, /What was read cannot be written: .*room/)
    }
  })

  it('mirrors a folder: each file becomes Markdown, or a clear error', async () => {
    const long = `${'長'.repeat(83)}.pdf`
    const names = [
      'a.pdf',
      'a.png',
      'sub/sub/東京.pdf',
      'تقرير.pdf',
      'two\nlines.pdf',
      'quote\'s "double".pdf',
      '-x.pdf',
      long,
    ]
    const folder = makeFolder({
      ...Object.fromEntries(names.map((name, index) => [`in/${name}`, 120 + index])),
      'in/scan': 140,
      'in/empty.pdf': '',
      'in/broken.pdf': 'no PDF',
      'in/notes.txt': 'about %PDF-1.7',
      'in/.hidden.pdf': 141,
    })
    symlinkSync('..', join(folder, 'in/sub/up'))
    symlinkSync('nowhere', join(folder, 'in/lost.pdf'))
    const { code, stdout, stderr } = await runOcr(['in', '--out', 'in/out'], { cwd: folder, env })
    assert.deepEqual([code, stdout], [1, ''], stderr)
    for (const [index, name] of names.slice(0, -1).entries())
      assert.match(read(folder, 'in/out', `${name}.md`), new RegExp(`This is page ${120 + index}\\.`))
    assert.match(read(folder, 'in/out/scan.md'), /This is page 140/)
    const cut = readdirSync(join(folder, 'in/out')).find((name) => name.startsWith('長'))
    assert.match(read(folder, 'in/out', cut ?? ''), /This is page 127/)
    assert.match(stderr, /in\/empty\.pdf: document_empty/)
    assert.match(stderr, /in\/broken\.pdf: document_unreadable/)
    assert.match(stderr, /in\/lost\.pdf: cannot be read: it is not there/)
    assert.match(stderr, /Left alone: 1 file that is no document \(\.txt 1\)/)
    assert.match(stderr, /9 read, 3 failed/)
    const again = await runOcr(['in', '--out', 'in/out'], { cwd: folder, env })
    assert.match(again.stderr, /0 read, 9 known from before, 3 failed/)
  })

  it('reads what has changed, takes over what was renamed, and tries again what failed where that is wished', async () => {
    const folder = makeFolder({ 'in/a.pdf': 150, 'in/b.pdf': 151, 'in/c.pdf': 'no PDF' })
    const run = (...options: string[]) => runOcr(['in', '-o', 'out', '-q', ...options], { cwd: folder, env })
    assert.equal((await run()).code, 1)
    mkdirSync(join(folder, 'in/sub'))
    renameSync(join(folder, 'in/a.pdf'), join(folder, 'in/sub/z.pdf'))
    cpSync(join(folder, 'in/b.pdf'), join(folder, 'in/copy.pdf'))
    await run()
    assert.equal(askedFor(150, 151), 2, 'nothing is read again')
    assert.deepEqual(readdirSync(join(folder, 'out')).toSorted(), [
      '.ocr',
      'b.pdf.md',
      'copy.pdf.md',
      'ocr-manifest.jsonl',
      'sub',
    ])
    assert.match(read(folder, 'out/sub/z.pdf.md'), /page 150/)
    writeFileSync(join(folder, 'in/b.pdf'), makePdf([{ number: 152 }]))
    writeFileSync(join(folder, 'in/c.pdf'), 'no PDF')
    assert.match((await run()).stderr, /c\.pdf: document_unreadable: .*--retry-failed tries again/)
    assert.match(read(folder, 'out/b.pdf.md'), /page 152/)
    const lines = manifest(join(folder, 'out')).length
    assert.match((await run('--retry-failed')).stderr, /c\.pdf: document_unreadable: [^(]*$/m)
    assert.equal(manifest(join(folder, 'out')).length, lines + 1)
  })

  it('says in the manifest what became of each document, and never a password', async () => {
    const folder = makeFolder({ 'in/locked.pdf': readFixture('encrypted-user-aes256.pdf') })
    const run = (password: string) =>
      runOcr(['in', '-o', 'out', '--pages', '1-2'], { cwd: folder, env: { ...env, OCR_PASSWORD: password } })
    assert.match((await run('')).stderr, /locked\.pdf: document_encrypted/)
    // With a password, it is worth another try.
    assert.equal((await run('open sesame')).code, 0)
    const [failed, done] = manifest(join(folder, 'out'))
    assert.equal(Object(failed?.['error']).code, 'document_encrypted')
    const { path, status, pages, not_ok, output, model, bytes } = done ?? {}
    assert.deepEqual([path, status, pages, not_ok, output], ['locked.pdf', 'done', 2, [], 'locked.pdf.md'])
    assert.deepEqual([model, bytes], ['lightonai/LightOnOCR-2-1B', readFixture('encrypted-user-aes256.pdf').length])
    assert.doesNotMatch(read(folder, 'out/ocr-manifest.jsonl'), /sesame/)
    assert.ok(!existsSync(join(folder, 'out/.ocr')), 'nothing of its own is left when all is read')
  })

  it('sends a large file as it reads it, and deletes it at the gateway', async () => {
    const noise = Buffer.from(
      Array.from({ length: 1400 * 1400 * 3 }, (_, index) => (index * index * 2_654_435_761) >>> 24),
    )
    const png = await sharp(noise, { raw: { width: 1400, height: 1400, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer()
    assert.ok(png.length > 5e6)
    const folder = makeFolder({ 'large.png': png })
    const { code, stderr } = await runOcr(['large.png', '-o', 'out'], { cwd: folder, env })
    assert.equal(code, 0, stderr)
    const { client } = gateway
    const { data } = await client.withOptions({ apiKey: 'right-key' }).files.list()
    assert.deepEqual(data, [])
  })

  it('says what failed on a page, and ends with 1', async () => {
    fake.setAnswer(({ image }) => (image?.pageNumber === 161 ? { failure: { status: 400, body: 'no' } } : undefined))
    const folder = makeFolder({ 'a.pdf': makePdf([{ number: 160 }, { number: 161 }]) })
    const { code, stderr } = await runOcr(['a.pdf', '-o', 'out'], { cwd: folder, env })
    fake.setAnswer(() => undefined)
    assert.equal(code, 1)
    assert.match(stderr, /partial a\.pdf: 1 of 2 pages failed \(page 2: engine_error/)
    const [entry] = manifest(join(folder, 'out'))
    assert.deepEqual(
      [entry?.['status'], entry?.['not_ok']],
      ['partial', [{ page: 2, status: 'failed', code: 'engine_error' }]],
    )
    const again = await runOcr(['a.pdf', '-o', 'out', '--retry-failed'], { cwd: folder, env })
    assert.equal(again.code, 0, again.stderr)
    assert.match(read(folder, 'out/a.pdf.md'), /page 160\.[^]*page 161\./)
  })

  it('adds up what a folder would cost, and reads nothing', async () => {
    const folder = makeFolder({ 'in/a.pdf': 170, 'in/b.pdf': 171 })
    const { code, stdout } = await runOcr(['in', '--dry-run', '-o', 'out'], { cwd: folder, env })
    assert.equal(code, 0)
    assert.match(stdout, /in\/a\.pdf: 1 page, 1 to read/)
    assert.match(stdout, /^2 documents: 2 pages, 2 to read, about [\d,]+ prompt and/m)
    assert.equal(askedFor(170, 171), 0)
    assert.ok(!existsSync(join(folder, 'out')))
    await runOcr(['in/a.pdf', '-o', 'out'], { cwd: folder, env })
    const rest = await runOcr(['in', '--dry-run', '-o', 'out'], { cwd: folder, env })
    assert.match(rest.stdout, /^1 document: 1 page, 1 to read, .*1 document more is done already$/m)
  })

  it('has addresses fetched by its own gateway, and says what a gateway refuses', async () => {
    const server = createServer((_, response) => response.end(makePdf([{ number: 175 }])))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const address = `http://127.0.0.1:${port}/papers/one.pdf?signature=secret`
    const folder = makeFolder({})
    const own = { GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_ALLOWED_URL_HOSTS: '127.0.0.1' }
    const fetched = await runOcr([address, '-o', 'out'], { cwd: folder, env: own })
    assert.equal(fetched.code, 0, fetched.stderr)
    assert.match(read(folder, 'out', `127.0.0.1_${port}`, 'papers/one.pdf.md'), /page 175/)
    const refused = await runOcr([address, '-o', 'out', '-f', 'text'], { cwd: folder, env })
    assert.match(refused.stderr, /one\.pdf: url_not_allowed: /)
    assert.doesNotMatch(refused.stderr + read(folder, 'out/ocr-manifest.jsonl'), /secret/)
    server.close()
  })

  it('goes on with what comes into a watched folder, until Ctrl-C', async () => {
    const folder = makeFolder({ 'in/a.pdf': 180 })
    const { child, output, exited } = startOcr(['in', '-o', 'out', '--watch'], { cwd: folder, env })
    await eventually(() => existsSync(join(folder, 'out/a.pdf.md')), 20_000, 'what is there')
    mkdirSync(join(folder, 'in/new'))
    writeFileSync(join(folder, 'in/new/b.pdf'), makePdf([{ number: 181 }]))
    await eventually(() => existsSync(join(folder, 'out/new/b.pdf.md')), 20_000, 'what has come')
    child.kill('SIGINT')
    assert.equal(await within(exited, 10_000, 'the end'), 0, output.stderr)
    assert.match(output.stderr, /2 read/)
  })
})

describe('what ocr ends with', { timeout: TIMEOUT, concurrency: 2 }, () => {
  const rows: readonly { name: string; args: string[]; code: number; says: RegExp; env?: Record<string, string> }[] = [
    { name: 'an unknown option', args: ['--otu', 'x', 'a.pdf'], code: 2, says: /unknown option '--otu'\n.*--out/ },
    { name: 'a file that is not there', args: ['missing.pdf'], code: 2, says: /^missing\.pdf: there is no such file/ },
    { name: 'a pattern that matches nothing', args: ['*.tif'], code: 2, says: /^\*\.tif: matches no file/ },
    {
      name: 'an unknown model',
      args: ['a.pdf', 'b.pdf', '-m', 'gpt'],
      code: 2,
      says: /^There is no model gpt\. .*LightOnOCR-2-1B/,
    },
    {
      name: 'a wrong key, once',
      args: ['a.pdf', 'b.pdf'],
      code: 2,
      says: /^The gateway refuses the key: [^\n]*OPENAI_API_KEY[^\n]*\n$/,
      env: { OPENAI_API_KEY: 'wrong' },
    },
    {
      name: 'a range that is none',
      args: ['a.pdf', '-p', 'x'],
      code: 1,
      says: /^failed {2}a\.pdf: invalid_value: .*pages/,
    },
    {
      name: 'a folder that cannot be written',
      args: ['a.pdf', '-o', 'a.pdf/out'],
      code: 2,
      says: /cannot be written: .*--out/,
    },
    {
      name: 'nobody at the address',
      args: ['a.pdf', '--base-url', 'http://127.0.0.1:9'],
      code: 3,
      says: /^The gateway at http:\/\/127\.0\.0\.1:9\/v1 cannot be reached/,
    },
  ]
  for (const { name, args, code, says, env: other } of rows)
    it(`${code} for ${name}`, async () => {
      const folder = makeFolder({ 'a.pdf': 190, 'b.pdf': 191 })
      const ended = await runOcr(args, { cwd: folder, env: { ...env, ...other } })
      assert.equal(ended.code, code, ended.stderr)
      assert.match(ended.stderr, says)
      assert.equal(ended.stdout, '')
    })

  it('3 when the gateway goes away in the middle; the same command goes on', async () => {
    const folder = makeFolder({ 'in/a.pdf': 195, 'in/b.pdf': 196 })
    const stuck = await startFakeVllm({
      answer: ({ image }) => (image?.pageNumber === 196 ? { silent: true } : undefined),
    })
    const away = await startTestGateway({ GATEWAY_UPSTREAM_URLS: stuck.url, GATEWAY_DRAIN_SECONDS: '0' })
    const { output, exited } = startOcr(['in', '-o', 'out'], { cwd: folder, env: { OPENAI_BASE_URL: away.url } })
    await eventually(
      () => existsSync(join(folder, 'out/a.pdf.md')) && stuck.requests.length === 2,
      20_000,
      'one of two',
    )
    await away.stop()
    await stuck.kill()
    assert.equal(await within(exited, 20_000, 'the end'), 3)
    assert.match(output.stderr, /Waiting …[^]*Nothing could be read for 2 s[^]*same command again/)
    const again = await runOcr(['in', '-o', 'out'], { cwd: folder, env })
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /1 read, 1 known from before/)
  })

  it('2 for a folder that another ocr writes', async () => {
    const folder = makeFolder({ 'in/a.pdf': 198 })
    const slow = await startFakeVllm({ answer: () => ({ text: 'slow', firstDelayMs: 3000 }) })
    const own = { GATEWAY_UPSTREAM_URLS: slow.url }
    const first = startOcr(['in', '-o', 'out'], { cwd: folder, env: own })
    await eventually(() => slow.requests.length === 1, 20_000, 'the page is in flight')
    const second = await runOcr(['in', '-o', 'out'], { cwd: folder, env })
    assert.deepEqual([second.code, /Another ocr writes/.test(second.stderr)], [2, true])
    assert.equal(await first.exited, 0, first.output.stderr)
    await slow.kill()
  })
})
