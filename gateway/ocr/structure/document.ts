import type { PageWarning } from '../../page/page.ts'
import { layerText } from '../../read/evidence/layer-to-markdown.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import { readerOf } from '../another-reading.ts'
import { DOCUMENT_SCHEMA_VERSION, type OcrDocument, type OcrDocumentChunk } from '../../wire/openai/ocr-document.ts'
import { escapedPlainText, plainText } from '../markdown/plain-text.ts'
import type { PageNumber, PageResult } from '../page-event.ts'
import type { Block } from './block.ts'
import { placeBlocks } from './block-places.ts'
import { createChunker } from './chunks.ts'
import { languageOf } from './language.ts'
import { createOutline, type OutlinePage } from './outline.ts'
import { pageSpans } from './page-spans.ts'

/** The JSON object of a document, written page by page: what it says of all of them stands behind them. */
export interface DocumentForm {
  readonly before: string
  readonly separator: string
  /** `blocks`: where the model has marked them; null: they are found in the Markdown. */
  page(number: PageNumber, result: PageResult, markdown: string, blocks: readonly Block[] | null): WrittenPage
  /** In pieces. */
  after(): Iterable<string>
}

/** One page as it stands in the JSON. */
interface WrittenPage {
  readonly text: string
  readonly warnings: readonly PageWarning[]
}

/** Creates what writes the JSON object of one document. Holds of its pages what its headings say, and its chunks. */
export function createDocumentForm(request: OcrRequest): DocumentForm {
  const outline = createOutline()
  const chunker = request.chunkTokens == null ? null : createChunker(request.chunkTokens)
  const chunks: OcrDocumentChunk[] = []
  let count = 0
  return {
    before: `{"schema_version":"${DOCUMENT_SCHEMA_VERSION}","pages":[\n`,
    separator: ',\n',
    page(number, result, markdown, marked) {
      count += 1
      if (request.answersJson && result.error === null) return { text: dataPage(number, result), warnings: [] }
      const { spans, isCoarse } = marked === null ? pageSpans(markdown) : { spans: [], isCoarse: false }
      const found =
        marked ?? placeBlocks(markdown, spans, number.page, result, { ...request, model: readerOf(request, result) })
      const seen: OutlinePage = { page: number.page, blocks: found, plain: plainer(markdown, result) }
      const blocks = outline.add(seen)
      chunks.push(...(chunker?.add({ ...seen, blocks, markdown }) ?? []))
      return { text: textPage(number, result, markdown, blocks), warnings: isCoarse ? [COARSE] : [] }
    },
    *after() {
      const { title, abstract, headings, sample } = outline.end()
      const facts = { page_count: count, title, abstract, language: languageOf(sample), headings } satisfies Facts
      yield `\n],${JSON.stringify(facts).slice(1, -1)}`
      if (chunker !== null) {
        chunks.push(...chunker.end())
        yield ',"chunks":['
        for (const [index, chunk] of chunks.entries()) yield `${index === 0 ? '\n' : ',\n'}${JSON.stringify(chunk)}`
        yield '\n]'
      }
      yield '}'
    },
  }
}

type Facts = Omit<{ readonly [Name in keyof OcrDocument]: Readonly<OcrDocument[Name]> }, 'schema_version' | 'pages'>
type Page = OcrDocument['pages'][number]

const COARSE: PageWarning = {
  code: 'blocks_coarse',
  message:
    'This page is too long, or its lists are too deep, for its blocks to be told apart: they are what stands between empty lines, or one block. The text is whole.',
}

function pageFacts({ page, label }: PageNumber, { status, error }: PageResult) {
  return { facts: { page, label, status }, failure: error && { error: { code: error.code, message: error.message } } }
}

function textPage(number: PageNumber, result: PageResult, markdown: string, blocks: readonly Block[]): string {
  const { facts, failure } = pageFacts(number, result)
  const written = blocks.map(({ type, start, end, box, confidence }) => ({
    type,
    text: markdown.slice(start, end),
    box: box === null ? null : ([...box] as [number, number, number, number]),
    confidence,
    start,
    end,
  }))
  return JSON.stringify({ ...facts, markdown, blocks: written, ...failure } satisfies Page)
}

function dataPage(number: PageNumber, result: PageResult): string {
  const { facts, failure } = pageFacts(number, result)
  const written = (data: unknown): string => JSON.stringify({ ...facts, data, ...failure } satisfies Page)
  try {
    return written(JSON.parse(result.text) as unknown)
  } catch {
    // A model may write invalid JSON, or nest it deeper than it can be written: the client then gets the text as it is.
    return written(result.text)
  }
}

/** Returns what takes the marks from a page's Markdown: the text layer, and what Tesseract has read, are escaped. */
function plainer(markdown: string, { isFallback, engine }: PageResult): OutlinePage['plain'] {
  const plain = isFallback ? layerText : engine === 'tesseract' ? escapedPlainText : plainText
  return ({ start, end }, maxLength) => plain(markdown.slice(start, Math.min(end, start + maxLength))).trim()
}
