import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, it } from 'node:test'
import type { FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { runProgram } from '../support/client-snippets.ts'
import { makePdf } from '../support/make-pdf.ts'
import { untilEnded } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { WEBHOOK_SECRET } from '../support/start-receiver.ts'
import { eventually } from '../support/within.ts'

const root = join(import.meta.dirname, '../..')
const DEADLINE = 60_000

/** A chunk, as docs/rag.md has it. */
interface Chunk {
  readonly id: string
  readonly sha256: string
  readonly text: string
  readonly start: number
  readonly end: number
  readonly pages: readonly number[]
  readonly headings: readonly string[]
}

/** What docs/rag.md keeps of a run. */
interface State {
  readonly done: Record<string, { readonly paths: string[]; readonly failedPages: number[] }>
  readonly refused: Record<string, string>
  readonly batches: object
}

/** The programs of docs/rag.md: the pieces of each file, one after the other. */
function programs(): ReadonlyMap<string, string> {
  const page = readFileSync(join(root, 'docs/rag.md'), 'utf8')
  const pieces = [...page.matchAll(/^```ts file="([^"]+)"\n([^]*?)^```$/gm)]
  const files = new Map<string, string>()
  for (const [, file = '', code = ''] of pieces) files.set(file, `${files.get(file) ?? ''}${code}\n`)
  return files
}

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What the engine reads: page 90 fails, and each other page has a heading and text. */
function answerTo({ image }: FakeRequest): string {
  const number = image?.pageNumber ?? 0
  if (number === 90) return ''
  return `# Chapter ${number}\n\nThis is page ${number}.\n\n---\n\nIts second paragraph.`
}

async function start(settings: Readonly<Record<string, string>> = {}) {
  const fake = await startFakeVllm({ answer: answerTo })
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_API_KEYS: 'rag:my-key',
    ...settings,
  })
  const folder = mkdtempSync(join(tmpdir(), 'ocr-rag-'))
  mkdirSync(join(folder, 'documents/deep'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [file, code] of programs())
    writeFileSync(join(folder, file), code.replaceAll('http://127.0.0.1:8080', gateway.url))
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const run = async (...args: string[]) => {
    const { status, stdout, stderr } = await runProgram(process.execPath, ['ingest.ts', ...args], { cwd: folder })
    assert.equal(status, 0, stderr)
    return stdout
  }
  const client = gateway.client.withOptions({ apiKey: 'my-key' })
  const state = () => read('state.json') as State
  return {
    fake,
    client,
    folder,
    read,
    run,
    state,
    chunks: () => (read('store.json') as [string, Chunk][]).map(([, chunk]) => chunk),
    /** Runs until nothing is being read any more. */
    async settle(...args: string[]) {
      let output = await run(...args)
      for (let batches = Object.keys(state().batches); batches.length > 0; batches = Object.keys(state().batches)) {
        for (const batch of batches) await untilEnded(client, batch)
        output += await run()
      }
      return output
    },
    write(path: string, bytes: Uint8Array) {
      writeFileSync(join(folder, 'documents', path), bytes)
      return sha256Of(bytes)
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await fake.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe('docs/rag.md', () => {
  it('has code in no language that is not run', () => {
    const fences = readFileSync(join(root, 'docs/rag.md'), 'utf8').match(/^```.+$/gm)
    assert.ok(
      fences!.every((fence) => /^```(?:text|ts file="(?:ingest|store|receiver)\.ts")$/.test(fence)),
      String(fences),
    )
    assert.deepEqual([...programs().keys()], ['ingest.ts', 'store.ts', 'receiver.ts'])
  })

  it('reads a folder into chunks that are slices of their documents, with the right pages', async () => {
    await using rag = await start()
    // A blank page, and one that fails.
    const book = rag.write('book.pdf', makePdf([{ number: 1 }, {}, { number: 3 }, { number: 90 }, { number: 5 }]))
    const letter = rag.write('deep/letter ä.pdf', makePdf([{ number: 7 }]))
    copyFileSync(join(rag.folder, 'documents/deep/letter ä.pdf'), join(rag.folder, 'documents/copy.pdf'))
    const broken = rag.write('broken.pdf', Buffer.from('%PDF-1.7\nno document'))
    const output = await rag.settle()
    const { done, refused } = rag.state()
    assert.deepEqual(Object.keys(done).toSorted(), [book, letter].toSorted())
    assert.deepEqual([done[book]!.failedPages, done[letter]!.failedPages], [[4], []])
    assert.deepEqual(done[letter]!.paths.toSorted(), ['documents/copy.pdf', 'documents/deep/letter ä.pdf'])
    assert.deepEqual(refused, { [broken]: 'document_unreadable' })
    assert.match(output, new RegExp(`${broken}: `))
    assert.match(output, new RegExp(`${book}: pages 4 could not be read`))
    for (const sha256 of [book, letter]) {
      const { content } = rag.read(join('pages', `${sha256}.json`)) as { content: string }
      const chunks = rag.chunks().filter((chunk) => chunk.sha256 === sha256)
      for (const { text, start, end } of chunks) assert.equal(text, content.slice(start, end))
    }
    const chunks = rag.chunks().filter(({ sha256 }) => sha256 === book)
    assert.deepEqual(
      chunks.map(({ pages, headings }) => [pages, headings]),
      [
        [[1], ['Chapter 1']],
        [[3], ['Chapter 3']],
        [[5], ['Chapter 5']],
      ],
    )
    for (const { text, pages } of chunks)
      assert.match(text, new RegExp(`^# Chapter ${pages[0]}\\n\\n.*page ${pages[0]}`))
    // Equal files are one document.
    assert.deepEqual([chunks.length, rag.chunks().length], [3, 4])
    // What the pipeline has uploaded is gone: its inputs and outputs alone are left.
    const files = await Array.fromAsync(rag.client.files.list())
    assert.deepEqual(
      files.filter(({ purpose }) => purpose === 'user_data'),
      [],
    )
  })

  it('reads only what is new, forgets what is gone, and does not read what was moved', async () => {
    await using rag = await start()
    const kept = rag.write('kept.pdf', makePdf([{ number: 1 }]))
    const gone = rag.write('gone.pdf', makePdf([{ number: 2 }]))
    const old = rag.write('changed.pdf', makePdf([{ number: 3 }]))
    await rag.settle()
    assert.match(await rag.run(), /3 documents are in the store, 0 were sent/)
    assert.equal(rag.fake.requests.length, 3)
    rmSync(join(rag.folder, 'documents/gone.pdf'))
    renameSync(join(rag.folder, 'documents/kept.pdf'), join(rag.folder, 'documents/deep/moved.pdf'))
    const changed = rag.write('changed.pdf', makePdf([{ number: 3 }, { number: 4 }]))
    assert.match(await rag.run(), /1 were sent/)
    await rag.settle()
    assert.deepEqual(Object.keys(rag.state().done).toSorted(), [kept, changed].toSorted())
    assert.deepEqual(rag.state().done[kept]!.paths, ['documents/deep/moved.pdf'])
    const hashes = new Set(rag.chunks().map(({ sha256 }) => sha256))
    assert.deepEqual([hashes.has(gone), hashes.has(old), hashes.size], [false, false, 2])
  })

  it('goes on after kill -9, and reads failed pages alone when that is asked for', async () => {
    await using rag = await start()
    const held = Promise.withResolvers<void>()
    let isRepaired = false
    rag.fake.setAnswer(async (request) => {
      await held.promise
      return isRepaired ? 'It can be read now.' : answerTo(request)
    })
    const book = rag.write('book.pdf', makePdf([{ number: 1 }, { number: 90 }]))
    const child = spawn(process.execPath, ['ingest.ts'], { cwd: rag.folder, stdio: 'ignore' })
    await eventually(() => rag.fake.requests.length > 0, DEADLINE, 'the first page')
    child.kill('SIGKILL')
    held.resolve()
    await rag.settle()
    const firstAsked = rag.fake.requests.filter(({ image }) => image?.pageNumber === 1).length
    assert.deepEqual([firstAsked, rag.state().done[book]!.failedPages], [1, [2]])
    isRepaired = true
    await rag.settle('--retry-failed')
    assert.equal(rag.fake.requests.filter(({ image }) => image?.pageNumber === 1).length, 1)
    assert.deepEqual(rag.state().done[book]!.failedPages, [])
    assert.deepEqual(
      rag.chunks().map(({ pages, text }) => [pages, text.includes('It can be read now.')]),
      [[[1, 2], true]],
    )
  })

  it('sends documents again whose batch is not known any more', async () => {
    await using rag = await start()
    const letter = rag.write('letter.pdf', makePdf([{ number: 7 }]))
    await rag.run()
    const { batches, ...rest } = rag.state()
    const state = { ...rest, batches: { batch_of_long_ago: Object.values(batches)[0] as object } }
    writeFileSync(join(rag.folder, 'state.json'), JSON.stringify(state))
    assert.match(await rag.run(), /batch_of_long_ago/)
    await rag.settle()
    assert.deepEqual(Object.keys(rag.state().done), [letter])
    assert.equal(rag.fake.requests.length, 1)
  })

  it('is told by a webhook', async () => {
    const port = await freePort()
    await using rag = await start({
      GATEWAY_WEBHOOK_URL: `http://127.0.0.1:${port}/`,
      GATEWAY_WEBHOOK_SECRET: WEBHOOK_SECRET,
      GATEWAY_ALLOWED_URL_HOSTS: '127.0.0.1',
    })
    const letter = rag.write('letter.pdf', makePdf([{ number: 7 }]))
    const env = { ...process.env, PORT: String(port), OPENAI_WEBHOOK_SECRET: WEBHOOK_SECRET }
    const child = spawn(process.execPath, ['receiver.ts'], { cwd: rag.folder, env, stdio: 'ignore' })
    try {
      const isIn = (): boolean => {
        try {
          return letter in rag.state().done
        } catch {
          // There is none yet.
          return false
        }
      }
      await eventually(isIn, DEADLINE, 'the document')
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('the chunks of docs/rag.md', () => {
  type Split = (sha256: string, content: string, pages: readonly object[]) => Chunk[]

  async function load(): Promise<Split & Disposable> {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-rag-'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    for (const [file, code] of programs()) writeFileSync(join(folder, file), code)
    const { chunksOf } = (await import(pathToFileURL(join(folder, 'ingest.ts')).href)) as { chunksOf: Split }
    return Object.assign(chunksOf, { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) })
  }

  /** Joins pages as the gateway does. */
  function join2(...texts: string[]) {
    let content = ''
    const pages = texts.map((text, index) => {
      if (index > 0) content += '\n\n'
      const start = content.length
      content += text
      return { page: index + 1, status: text.startsWith('<!--') ? 'failed' : 'ok', start, end: content.length }
    })
    return { content, pages }
  }

  for (const { name, texts, expected } of [
    { name: 'go over the end of a page', texts: ['# A\n\none', 'two\n\n# B\n\nthree'], expected: [[1, 2], [2]] },
    { name: 'go over a blank page, and do not name it', texts: ['one', '', 'two'], expected: [[1, 3]] },
    {
      name: 'do not go over a page that failed',
      texts: ['one', '<!-- page 2 failed: x -->', 'two'],
      expected: [[1], [3]],
    },
    { name: 'are none of blank pages', texts: ['', ''], expected: [] },
    { name: 'keep a heading with the text under it', texts: ['# A\n\n## B', 'text'], expected: [[1, 2]] },
    { name: 'are cut between words', texts: ['word '.repeat(1000)], expected: [[1], [1], [1]] },
    {
      name: 'are cut where there are no words, and never in a character',
      texts: ['a' + '𠮷'.repeat(2500)],
      expected: [[1], [1], [1]],
    },
  ])
    // prettier-ignore
    it(name, async () => {
      using split = await load()
      const { content, pages } = join2(...texts)
      const chunks = split('hash', content, pages)
      assert.deepEqual(
        chunks.map((chunk) => chunk.pages),
        expected,
      )
      for (const { text, start, end } of chunks) {
        assert.equal(text, content.slice(start, end))
        assert.ok(text.length <= 2000 && text.isWellFormed(), text)
        assert.doesNotMatch(text, /<!--/)
      }
      // Nothing but what is between paragraphs is left out.
      const letters = (parts: readonly string[]) => parts.join('').replaceAll(/\s/g, '')
      assert.equal(letters(chunks.map(({ text }) => text)), letters(texts.filter((text) => !text.startsWith('<!--'))))
    })

  it('know the headings that they stand under', async () => {
    using split = await load()
    const { content, pages } = join2('# A\n\none\n\n## B\n\ntwo', '## C\n\nthree\n\n# D\n\nfour')
    assert.deepEqual(
      split('hash', content, pages).map(({ headings }) => headings),
      [['A'], ['A', 'B'], ['A', 'C'], ['D']],
    )
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
