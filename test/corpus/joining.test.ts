import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { JOIN, stitchPages } from '../support/stitch-pages.ts'
import { readCorpus } from './read-corpus.ts'

const truth = join(import.meta.dirname, '../../../shared/corpus/truth')
const STITCH = 'synthetic/synth-digital-multipage-stitch-en'

interface StitchTruth {
  readonly running_header: string
  readonly running_footer: string
  readonly expect_joined: readonly string[]
  readonly table_rows: number
  readonly page_text_layer: readonly string[]
}

const facts = JSON.parse(readCorpus(`truth/${STITCH}.stitch.json`).toString()) as StitchTruth
const wanted = readCorpus(`truth/${STITCH}.truth.md`).toString().trim()

const STRIP = { headers: 'strip', footers: 'strip' } as const
const spaced = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\|[ -]*(?:-[ -|]*)?\|/g, '|')
    .trim()

type Write = (rows: readonly (readonly string[])[]) => string
const pipe: Write = (rows) =>
  rows.flatMap((row, index) => [`| ${row.join(' | ')} |`, ...(index === 0 ? ['|---|---|---|---|---|'] : [])]).join('\n')
const html: Write = ([head = [], ...rows]) => {
  const line = (row: readonly string[], tag: string) =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<table>\n<thead>\n${line(head, 'th')}\n</thead>\n<tbody>\n${rows.map((row) => line(row, 'td')).join('\n')}\n</tbody>\n</table>`
}

/** What a model would answer for a page of the text layer. */
function answerOf(layer: string, write: Write): string {
  return layer
    .replaceAll('\f', '')
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    ) // prettier-ignore
    .filter((lines) => lines.length > 0)
    .map((lines) => blockOf(lines, write))
    .join('\n\n')
}

function blockOf(lines: readonly string[], write: Write): string {
  const [first = ''] = lines
  if (first.startsWith('No. ')) return write(lines.map(cellsOf))
  const text = lines.reduce((before, line) => (before.endsWith('‐') ? before.slice(0, -1) + line : `${before} ${line}`))
  if (/^\d\.\d /.test(text)) return `## ${text}`
  return text.endsWith(': Part Two') ? `# ${text}` : text.replaceAll(/ {2,}/g, ' ')
}

function cellsOf(line: string): string[] {
  if (line.startsWith('No. ')) return ['No.', 'Structure', 'Grid reference', 'Condition', 'Last seen']
  const [, number = '', name = '', place = '', condition = '', seen = ''] =
    /^(\d+) +(.+?) +(SX \d+ \d+) +(\d) +(\d\d Mar)$/.exec(line) ?? []
  return [number, name, place, condition, seen]
}

describe('the pages of a document whose joints are known', () => {
  for (const [form, write] of [
    ['Markdown', pipe],
    ['HTML', html],
  ] as const) {
    const pages = facts.page_text_layer.map((layer) => answerOf(layer, write))
    const table = pipe(/\| No[^]*11 Mar \|/.exec(wanted)?.[0].split('\n').filter((_, row) => row !== 1).map((row) => row.slice(2, -2).split(' | ')) ?? []) // prettier-ignore
    const expected = write === pipe ? wanted : wanted.replace(table, () => write(table.split('\n').filter((_, row) => row !== 1).map((row) => row.slice(2, -2).split(' | ')))) // prettier-ignore

    it(`become its truth where a model writes them with tables in ${form}`, async () => {
      const { content, lines } = await stitchPages(pages, { ...JOIN, ...STRIP, pageSeparator: '\n\n' })
      assert.equal(content, expected)
      assert.deepEqual(
        lines.map(({ joined }) => joined && [joined.page, joined.kind]),
        [undefined, [1, 'paragraph'], [2, 'table'], [3, 'word']],
      )
    })

    it(`become its truth in HTML and Markdown alike where headers stand in the ledger: ${form}`, async () => {
      const { content, lines } = await stitchPages(pages, { ...JOIN, headers: 'separate', footers: 'separate' })
      assert.equal(content, expected)
      assert.ok(lines.every(({ header }) => header === facts.running_header))
      assert.ok(
        lines.every(
          ({ footer, page }) => footer?.startsWith(facts.running_footer) === true && footer.endsWith(`${page}/4`),
        ),
      )
    })
  }

  it('stay as they are where nothing is to be joined', async () => {
    const pages = facts.page_text_layer.map((layer) => answerOf(layer, pipe))
    assert.equal((await stitchPages(pages)).content, pages.join('\n\n---\n\n'))
  })
})

describe('documents that the embedded engine reads', { timeout: 300_000 }, () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  const read = (path: string, ocr: object) =>
    askWhole(gateway.client, { model: 'tesseract', parts: [filePart(readCorpus(`truth/${path}`))], ocr })

  for (const file of ['synth-digital-multipage-stitch-en.pdf', 'synth-scan-multipage-stitch-en.pdf']) {
    it(`are joined as their truth says: ${file}`, async () => {
      const { content, ocr } = await read(`synthetic/${file}`, { join: true, ...STRIP })
      for (const sentence of facts.expect_joined) assert.ok(spaced(content).includes(sentence), sentence)
      const count = (text: string) => content.split(text).length - 1
      // The title of the document begins with its header.
      assert.equal(count(facts.running_header), count(`${facts.running_header}:`))
      assert.equal(count(facts.running_footer), 0)
      assert.ok(!/\d ?\/ ?4\b/.test(content), content)
      const [rows = []] = [...content.matchAll(/(?:^\|.*\|$\n?)+/gm)].map(([table]) => table.trim().split('\n'))
      assert.equal(rows.length, facts.table_rows + 2)
      assert.deepEqual(
        ocr.pages.map(({ joined }) => joined?.page),
        [undefined, 1, 2, 3],
      )
    })
  }

  for (const file of ['docling/docling-normal-4pages.pdf', 'markitdown/markitdown-repair-2022-inv-001-multipage.pdf']) {
    it(`are what they were, but for where something is joined: ${file}`, async () => {
      const [apart, joined] = [await read(file, {}), await read(file, { join: true })]
      const letters = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
      if (joined.ocr.pages.every((page) => page.joined === undefined)) assert.equal(joined.content, apart.content)
      else assert.equal(letters(joined.content), letters(apart.content))
    })
  }
})

/** Plain texts with empty lines in the middle of sentences, around formulas and at the ends of columns; so many of them are joined. */
const CUT_SENTENCES: Readonly<Record<string, number>> = {
  'ocrmypdf-linn-two-column-jbig2.gt.txt': 3,
  'pypdf-geotopo-book-117p.gt.txt': 2,
  'tesseract-magazine-page-8071.gt.txt': 3,
}

/** Every text of the corpus that somebody has checked, and that has no page ends to join. */
function truthTexts(): { readonly name: string; readonly text: string }[] {
  if (!existsSync(truth)) return []
  return readdirSync(truth, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:truth\.md|gt\.md|gt\.txt|docling\.md|markitdown\.md)$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(truth, name), 'utf8').trim() }))
}

/** A text that takes long is looked at once. */
const MANY = 50_000

describe('texts whose pages end where paragraphs do', () => {
  for (const { name, text } of truthTexts()) {
    it(`are not changed by a character: ${name}`, async () => {
      const blocks = text.split(/\n{2,}/)
      const cut = CUT_SENTENCES[basename(name)] ?? 0
      // Every block once begins and once ends a page.
      for (const [size, from] of [
        [1, 0],
        [3, 0],
        [3, 1],
        [3, 2],
        [10, 0],
      ] as const) {
        if (text.length > MANY && size < 10) continue
        const starts = [
          0,
          ...Array.from({ length: Math.ceil(blocks.length / size) }, (_, index) => from + index * size),
        ]
        const pages = starts.map((start, index) => blocks.slice(start, starts[index + 1] ?? blocks.length).join('\n\n'))
        const request = { pageSeparator: '\n\n---\n\n' }
        const [apart, joined] = [await stitchPages(pages, request), await stitchPages(pages, { ...request, ...JOIN })]
        const falsely = joined.lines.flatMap(({ joined: block, page }) =>
          block === undefined || block.kind === 'list'
            ? []
            : [[page, joined.content.slice(block.start, block.end).slice(-300)]],
        )
        if (cut === 0) assert.deepEqual(falsely, [])
        else assert.ok(falsely.length <= cut, JSON.stringify(falsely))
        if (joined.lines.every((line) => line.joined === undefined)) assert.equal(joined.content, apart.content)
      }
    })
  }
})
