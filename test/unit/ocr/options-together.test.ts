import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import type { OcrRequest } from '../../../gateway/request/ocr-request.ts'
import type { OcrDocument } from '../../../gateway/wire/openai/ocr-document.ts'
import { checkDocument } from '../../support/check-document.ts'
import { randomMarkdown } from '../../support/random-markdown.ts'
import { seededRandom, type SeededRandom } from '../../support/seeded-random.ts'
import { stitchPages, type GivenPage } from '../../support/stitch-pages.ts'

const DOCUMENTS = 150
const failure = new GatewayError('engine_error', 'The engine did not read the page.')

/** A word that occurs nowhere else, so that it can be counted; of letters, as numbers may count pages. */
let made = 0
const word = (): string => {
  made += 1
  return `q${Array.from(String(1_000_000 + made), (digit) => 'bcdfghjklm'[Number(digit)]).join('')}q`
}

const paragraph = (end: string): string => `The ${Array.from({ length: 16 }, word).join(' ')} of it${end}`

/** A page with what is cut at its ends, or whole; its header and its footer as on its neighbours. */
function makePage(random: SeededRandom, page: number, pages: number): string {
  const body: string[] = []
  if (random.chance(0.4)) body.push(random.chance(0.5) ? `goes ${word()} on with it, and ends here.` : rows(random))
  if (random.chance(0.3)) body.push(`## Heading ${word()}`)
  body.push(paragraph('.'))
  if (random.chance(0.2)) body.push(`![image](image_1.png)100,100,500,500`)
  if (random.chance(0.2)) body.push(randomMarkdown(random, 6))
  if (random.chance(0.3)) body.push(`1. item ${word()}\n2. another ${word()}`)
  body.push(random.pick([paragraph(''), paragraph('.'), rows(random), paragraph(' four-')]))
  if (random.chance(0.15)) body.push(`[^1]: ${word()}`)
  return ['The Running Header', ...body, `Page ${page} of ${pages}`].join('\n\n')
}

function rows(random: SeededRandom): string {
  if (random.chance(0.5)) {
    const cells = [1, 2, 3].map((row) => `<tr><td>${word()}</td><td>${row}</td></tr>`)
    return `<table><tr><th>Name</th><th>Count</th></tr>${cells.join('')}</table>`
  }
  return ['| Name | Count |', '| --- | --- |', ...[1, 2, 3].map((row) => `| ${word()} | ${row} |`)].join('\n')
}

function makeDocument(random: SeededRandom): GivenPage[] {
  const pages = random.integer(1, 9)
  return Array.from({ length: pages }, (_, index): GivenPage => {
    const text = makePage(random, index + 1, pages)
    if (index > 0 && random.chance(0.05)) return { text: '', status: 'failed', error: failure }
    if (random.chance(0.05)) return { text: '', status: 'blank', blank: true }
    return random.chance(0.05) ? { text, status: 'fallback', isFallback: true } : text
  })
}

function makeWishes(random: SeededRandom): Partial<OcrRequest> {
  const running = ['keep', 'strip', 'separate'] as const
  const output = random.pick(['markdown', 'text', 'json'] as const)
  return {
    output,
    join: random.pick([null, { paragraphs: true, tables: true }, { paragraphs: false, tables: true }]),
    headers: random.pick(running),
    footers: random.pick(running),
    tables: random.pick([null, 'markdown', 'html'] as const),
    ...(output === 'json' && random.chance(0.5) ? { chunkTokens: random.pick([24, 60, 400]) } : {}),
  }
}

/** The words that no other place of the document has. */
const marked = (text: string): string[] => (text.match(/q[b-m]+q/g) ?? []).toSorted()

const textOf = (given: GivenPage): string => (typeof given === 'string' ? given : (given.text ?? ''))

describe('joining, headers, tables and outputs together', () => {
  it('lose nothing, say nothing twice, and say where each page stands', async () => {
    for (let document = 0; document < DOCUMENTS; document++) {
      const random = seededRandom(4000 + document)
      const given = makeDocument(random)
      const wishes = makeWishes(random)
      const about = `document ${document}: ${JSON.stringify(wishes)}`
      const whole = given.every((page) => textOf(page) === '')
      const reading = stitchPages(given, wishes)
      if (whole && given.some((page) => typeof page !== 'string' && page.status === 'failed')) continue
      const { content, lines, parts } = await reading
      assert.deepEqual(
        lines.map(({ page }) => page),
        given.map((_, index) => index + 1),
        about,
      )
      let at = 0
      for (const { start, end, joined } of lines) {
        assert.ok(start >= at && end >= start && end <= content.length, about)
        at = end
        if (joined !== undefined)
          assert.ok(joined.start >= 0 && joined.start < joined.end && joined.end <= content.length, about)
      }
      const text = wishes.output === 'json' ? markdownsOf(content) : content
      assert.deepEqual(marked(text), marked(given.map(textOf).join('\n')), about)
      if (wishes.output !== 'json') assert.deepEqual(marked(parts.join('\n')), marked(content), about)
    }
  })

  it('write the same, however much of it is sent at a time', async () => {
    for (let document = 0; document < 20; document++) {
      const random = seededRandom(9000 + document)
      const given = makeDocument(random)
      const wishes = makeWishes(random)
      if (given.every((page) => textOf(page) === '')) continue
      const { all, content } = await stitchPages(given, wishes)
      const pages = all.flatMap((event) => (event.type === 'text' && event.page !== null ? [event.page] : []))
      assert.deepEqual(
        pages,
        given.map((_, index) => index + 1),
      )
      assert.equal((await stitchPages(given, wishes)).content, content)
    }
  })
})

/** Checks a content that is a JSON object, and returns the Markdown in it. */
function markdownsOf(content: string): string {
  const { document } = checkDocument(content)
  const { chunks } = document
  const markdowns = document.pages.map((page) => ('markdown' in page ? page.markdown : '')).join('\n')
  if (chunks !== undefined) assert.deepEqual(marked(chunksOf(chunks)), marked(markdowns), 'chunks')
  return markdowns
}

const chunksOf = (chunks: NonNullable<OcrDocument['chunks']>): string => chunks.map(({ text }) => text).join('\n')
