import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { decodeSample } from '../../gateway/samples/sample-file.ts'
import { listSamples, readSampleFile } from '../../gateway/samples/sample-folder.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { runOcr } from '../support/run-ocr.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const LOOPING = 'and so on '.repeat(400)
const { path: root } = useFolder()
const key = randomBytes(32)
const keyFile = join(root, 'samples.key')
writeFileSync(keyFile, `${key.toString('base64')}\n`)

let vllm: FakeVllm
let gateway: TestGateway
const folder = join(root, 'samples')

/** Page 1 is read well; page 2 loops once; page 3 always. */
before(async () => {
  const asked = new Map<number, number>()
  vllm = await startFakeVllm({
    answer({ image }) {
      const number = image?.pageNumber ?? 0
      const times = (asked.get(number) ?? 0) + 1
      asked.set(number, times)
      if ((number === 2 && times === 1) || number === 3) return LOOPING
      return `# Page ${number}`
    },
  })
  gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: vllm.url,
    GATEWAY_SAMPLES_DIR: folder,
    GATEWAY_SAMPLES_KEY_FILE: keyFile,
  })
})
after(async () => {
  await gateway.stop()
  await vllm.close()
})

const ask = (numbers: readonly number[], ocr: object = {}) => ({
  parts: [filePart(makePdf(numbers.map((number) => ({ number, lines: [`PAGE ${number}`] }))))],
  ocr,
})
const statuses = ({ ocr }: Awaited<ReturnType<typeof askWhole>>) => ocr.pages.map(({ status }) => status)

describe('samples', () => {
  it('are the pages that were hard to read, with all that was tried', async () => {
    const answer = await askWhole(gateway.client, ask([1, 2, 3]))
    assert.deepEqual(statuses(answer).slice(0, 2), ['ok', 'repaired'])
    await eventually(async () => (await listSamples(folder)).length === 2, 5000, 'two samples')
    const samples = await Promise.all(
      (await listSamples(folder)).map(async ({ id }) => decodeSample((await readSampleFile(folder, id))!, key)),
    )
    const repaired = samples.find(({ facts }) => facts.status === 'repaired') ?? assert.fail('no repaired page')
    assert.deepEqual(
      repaired.facts.attempts.map(({ reason }) => reason),
      ['loop', null],
    )
    assert.equal(repaired.facts.text, '# Page 2')
    assert.equal(repaired.facts.model, 'lightonai/LightOnOCR-2-1B')
    assert.match(repaired.facts.textLayer ?? '', /PAGE 2/)
    const [image] = repaired.images
    const [told] = repaired.facts.images
    const { width, height } = await sharp(image).metadata()
    assert.deepEqual([width, height], [told?.width, told?.height])
    const other = samples.find(({ facts }) => facts.status !== 'repaired')
    assert.ok(other?.facts.reasons.some((reason) => reason === 'failed' || reason === 'fallback'))
  })

  it('are none of a request whose client wants nothing kept', async () => {
    const before = (await listSamples(folder)).length
    const answer = await askWhole(gateway.client, ask([1, 3], { cache: 'off' }))
    assert.notEqual(statuses(answer)[1], 'ok')
    assert.equal((await listSamples(folder)).length, before)
  })

  it('are counted', async () => {
    assert.match(await (await fetch(`${gateway.url}/metrics`)).text(), /ocr_gateway_samples_total\{outcome="kept"\} 2/)
  })

  it('are shown and exported by `ocr samples`', async () => {
    const env = { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY_FILE: keyFile }
    const run = (...args: string[]) => runOcr(['samples', ...args], { cwd: root, env })
    const exported = await run('export', 'training')
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stderr, /2 pairs of image and text in training: 0 reviewed, 2 to review/)
    const texts = readdirSync(join(root, 'training/images')).filter((name) => name.endsWith('.md'))
    const textOf = (name: string): string => readFileSync(join(root, 'training/images', name), 'utf8')
    const id = texts.find((name) => textOf(name) === '# Page 2\n')?.slice(0, -'.md'.length) ?? ''
    assert.equal((await sharp(join(root, 'training/images', `${id}.png`)).metadata()).format, 'png')
    assert.match((await run('show', id)).stdout, /does not count: loop[^]*# Page 2/)
  })

  it('are read where another one is damaged', async () => {
    const [first = ''] = readdirSync(folder).toSorted()
    writeFileSync(join(folder, first), readFileSync(join(folder, first)).subarray(0, 5))
    const args = ['samples', 'list', '--dir', folder, '--key-file', keyFile, '--json']
    const { code, stdout, stderr } = await runOcr(args, { cwd: root })
    assert.equal(code, 1)
    assert.match(stderr, /it is no sample/)
    assert.match(stdout, /^\{"id":"[^\n]*\}\n$/)
  })
})

describe('without GATEWAY_SAMPLES_DIR', () => {
  it('nothing is kept', async () => {
    const data = join(root, 'data')
    await using plain = await startTestGateway({ GATEWAY_UPSTREAM_URLS: vllm.url, GATEWAY_DATA_DIR: data })
    await askWhole(plain.client, ask([1, 3]))
    assert.doesNotMatch(await (await fetch(`${plain.url}/metrics`)).text(), /ocr_gateway_samples_total\{/)
    const names = existsSync(data) ? readdirSync(data, { recursive: true, encoding: 'utf8' }) : []
    assert.deepEqual(
      names.filter((name) => name.includes('sample')),
      [],
    )
  })
})

describe('a folder of samples that cannot be written', () => {
  it('fails no page', async () => {
    const file = join(root, 'no-folder')
    writeFileSync(file, '')
    chmodSync(file, 0o400)
    await using broken = await startTestGateway({ GATEWAY_UPSTREAM_URLS: vllm.url, GATEWAY_SAMPLES_DIR: file })
    const answer = await askWhole(broken.client, ask([1, 3]))
    assert.equal(statuses(answer)[0], 'ok')
    const failed = async () =>
      /ocr_gateway_samples_total\{outcome="failed"\} 1/.test(await (await fetch(`${broken.url}/metrics`)).text())
    await eventually(failed, 5000, 'a sample that was not kept')
  })
})
