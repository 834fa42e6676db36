import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { PICTURE_MARK, picturedPdf } from '../fixtures/pictured-pages.ts'
import { checkDocument } from '../support/check-document.ts'
import { makePdf } from '../support/make-pdf.ts'
import { runOcr } from '../support/run-ocr.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'

const TIMEOUT = 120_000

describe('the pictures of documents, on the command line', { timeout: TIMEOUT }, () => {
  const { path } = useFolder()
  let fake: FakeVllm
  let gateway: TestGateway
  let env: Record<string, string>

  before(async () => {
    fake = await startFakeVllm({
      models: ['lightonai/LightOnOCR-2-1B-bbox'],
      answer({ image }) {
        const number = image?.pageNumber ?? 0
        return `# Page ${number}\n\n${number < 100 ? PICTURE_MARK : 'No picture.'}\n\nEnd`
      },
    })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    env = { OPENAI_BASE_URL: gateway.url, OPENAI_API_KEY: 'none' }
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const read = (...parts: string[]): string => readFileSync(join(path, ...parts), 'utf8')
  const ocr = async (...args: string[]) => {
    const { code, stdout, stderr } = await runOcr(args, { cwd: path, env })
    assert.equal(code, 0, stderr)
    return { stdout, stderr }
  }

  /** The pictures that a text leads to, as a viewer would find them; each is there. */
  async function picturesOf(file: string): Promise<string[]> {
    const links = [...read(file).matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, link = '']) => decodeURIComponent(link))
    for (const link of links) {
      const { format, width } = await sharp(join(path, dirname(file), link)).metadata()
      assert.ok(format === 'png' && width > 900, link)
    }
    return links
  }
  const manifest = (folder: string) =>
    read(folder, 'ocr-manifest.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; output: string; figures?: string[] })

  it('are written beside the text, which leads to them; nothing else is said of them', async () => {
    mkdirSync(join(path, 'in/sub'), { recursive: true })
    writeFileSync(join(path, 'in/a (1) #2%.pdf'), picturedPdf(1, 2))
    writeFileSync(join(path, 'in/sub/東京.pdf'), picturedPdf(3))
    writeFileSync(join(path, 'in/plain.pdf'), makePdf([{ number: 100 }]))
    await ocr('in', '-o', 'out')
    assert.deepEqual(await picturesOf('out/a (1) #2%.pdf.md'), [
      'a (1) #2%.pdf.figures/page-1-1.png',
      'a (1) #2%.pdf.figures/page-2-1.png',
    ])
    assert.match(read('out/sub/東京.pdf.md'), /^# Page 3\n\n!\[image\]\(東京\.pdf\.figures\/page-1-1\.png\)\n\nEnd\n$/)
    await picturesOf('out/sub/東京.pdf.md')
    assert.equal(read('out/plain.pdf.md'), '# Page 100\n\nNo picture.\n\nEnd\n')
    assert.ok(!existsSync(join(path, 'out/plain.pdf.figures')))
    const figures = Object.fromEntries(manifest('out').map((entry) => [entry.path, entry.figures]))
    assert.deepEqual(figures, {
      'a (1) #2%.pdf': [1, 2].map((page) => `a (1) #2%.pdf.figures/page-${page}-1.png`),
      'sub/東京.pdf': ['sub/東京.pdf.figures/page-1-1.png'],
      'plain.pdf': undefined,
    })
  })

  it('go with a text that is copied or moved, and are made again where one is lost', async () => {
    cpSync(join(path, 'in/sub/東京.pdf'), join(path, 'in/copy of 3.pdf'))
    renameSync(join(path, 'in/a (1) #2%.pdf'), join(path, 'in/sub/moved.pdf'))
    const asked = fake.requests.length
    await ocr('in', '-o', 'out')
    assert.deepEqual(await picturesOf('out/copy of 3.pdf.md'), ['copy of 3.pdf.figures/page-1-1.png'])
    assert.deepEqual(await picturesOf('out/sub/東京.pdf.md'), ['東京.pdf.figures/page-1-1.png'])
    assert.equal((await picturesOf('out/sub/moved.pdf.md')).length, 2)
    assert.deepEqual(readdirSync(join(path, 'out')).toSorted(), [
      'copy of 3.pdf.figures',
      'copy of 3.pdf.md',
      'ocr-manifest.jsonl',
      'plain.pdf.md',
      'sub',
    ])
    rmSync(join(path, 'out/sub/moved.pdf.figures/page-2-1.png'))
    await ocr('in', '-o', 'out')
    assert.equal((await picturesOf('out/sub/moved.pdf.md')).length, 2)
    assert.equal(fake.requests.length, asked)
  })

  it('are no documents, where they lie among them or somebody looks there', async () => {
    const asked = fake.requests.length
    cpSync(join(path, 'in/sub/東京.pdf'), join(path, 'place/3.pdf'))
    await ocr('place', '-o', 'place')
    const { stderr } = await ocr('place', '-o', 'place')
    assert.match(stderr, /1 document/)
    assert.deepEqual(readdirSync(join(path, 'place')).toSorted(), [
      '3.pdf',
      '3.pdf.figures',
      '3.pdf.md',
      'ocr-manifest.jsonl',
    ])
    assert.match((await ocr('out')).stderr, /There is no document to read/)
    assert.equal(fake.requests.length, asked)
  })

  it('are named in JSON, whose offsets are those of its text', async () => {
    cpSync(join(path, 'in/sub/moved.pdf'), join(path, 'm.pdf'))
    await ocr('m.pdf', '--json', '-o', 'json')
    const { content, ocr: ledger } = JSON.parse(read('json/m.pdf.json')) as {
      content: string
      ocr: { pages: { start: number; end: number }[]; figures: object[] }
    }
    assert.deepEqual(
      ledger.pages.map(({ start, end }) => content.slice(start, end)),
      [1, 2].map((page) => `# Page ${page}\n\n![image](m.pdf.json.figures/page-${page}-1.png)\n\nEnd`),
    )
    const { width, height } = await sharp(join(path, 'json/m.pdf.json.figures/page-1-1.png')).metadata()
    const box = [108, 308, 544, 1078]
    const name = 'm.pdf.json.figures/page-1-1.png'
    assert.deepEqual(ledger.figures[0], { name, page: 1, media_type: 'image/png', width, height, box })
  })

  it('keep their names in a JSON object, whose own offsets are those of its text', async () => {
    await ocr('m.pdf', '--output', 'json', '-o', 'object')
    const { markdowns } = checkDocument(read('object/m.pdf.json'))
    for (const page of [1, 2]) {
      assert.match(markdowns.get(page) ?? '', new RegExp(String.raw`\]\(figures/page-${page}-1\.png\)`))
      assert.ok(existsSync(join(path, `object/m.pdf.json.figures/page-${page}-1.png`)))
    }
  })

  it('go to standard output in JSON alone', async () => {
    assert.match((await ocr('m.pdf')).stdout, /!\[image\]\(page-1-image-1\.png\)100,200,500,700/)
    const asJson = await ocr('m.pdf', '--json', '--figures', 'reference')
    assert.match(asJson.stdout, /"figures":\[\{"name":"figures\/page-1-1\.png".*"data":"iVBORw0KGgo/)
    const { code, stderr } = await runOcr(['m.pdf', '--figures', 'reference'], { cwd: path, env })
    assert.equal(code, 2)
    assert.match(stderr, /--figures reference needs --out/)
  })
})
