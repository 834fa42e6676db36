import { GatewayError, reworded } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { Ledger, LedgerPage } from './ledger.ts'
import { answerWarnings, isParsed, joinedPages, joinJson, type PageText } from './joined-json.ts'
import { outputForm } from './output.ts'
import type { DocumentOpen, OcrEvent, PageNumber, PagePreviewed, PageResult } from './page-event.ts'

/** A piece of the content. */
export interface TextPiece {
  readonly type: 'text'
  readonly text: string
  /** Set on the first piece of each page. */
  readonly page: number | null
  /** The ledger of this page alone. */
  readonly ended?: Pick<Ledger, 'documents' | 'pages'>
}

/** The content is complete. */
export interface StitchEnd {
  readonly type: 'end'
  readonly ledger: Ledger
}

/** An event of the stitched text. First come the documents, last comes the ledger. */
export type StitchEvent = DocumentOpen | PagePreviewed | TextPiece | StitchEnd

/**
 * Joins page texts into the document's text, with the separator between them and the offsets of each in the ledger. No
 * text is yielded before a page has been read, so that a request whose pages all failed throws the first page's error
 * before any byte is sent. Where a client parses the content, and the model answers JSON, the pages' objects become one.
 */
export async function* stitch(
  events: AsyncIterable<OcrEvent>,
  request: OcrRequest,
): AsyncGenerator<StitchEvent, void, undefined> {
  const form = outputForm(request)
  const documents: DocumentOpen['documents'][number][] = []
  const pages: LedgerPage[] = []
  let held: TextPiece[] = []
  const answers: PageText[] = []
  let offset = 0

  const endPage = (number: PageNumber, result: PageResult): void => {
    const joint = pages.length === 0 ? form.before : form.separator(number)
    const { text, warnings, closing } = form.page(number, result)
    const start = offset + joint.length
    offset = start + text.length
    if (isParsed(request) && result.error === null) answers.push({ page: number.page, text: result.text })
    const facts = factsOf(result, request)
    const ended = { ...number, ...facts, warnings: [...facts.warnings, ...warnings], start, end: offset, closing }
    pages.push(ended)
    if (joint !== '') held.push({ type: 'text', text: joint, page: null })
    held.push({ type: 'text', text, page: number.page, ended: { documents, pages: [ended] } })
  }

  for await (const event of events) {
    if (event.type !== 'page-end') {
      if (event.type === 'document-open') documents.push(...event.documents)
      yield event
      continue
    }
    endPage(event.page, event.result)
    if (isParsed(request) || pages.every(hasFailed)) continue
    yield* held
    held = []
  }
  if (pages.every(hasFailed)) throw allFailed(pages)
  const joined = isParsed(request) ? joinJson(answers) : null
  const warnings = [...request.warnings, ...(isParsed(request) ? answerWarnings(pages, answers, joined) : [])]
  if (joined !== null && pages.length > 1) {
    yield { type: 'text', text: joined.text, page: null }
    yield { type: 'end', ledger: { documents, pages: joinedPages(pages, joined), warnings } }
    return
  }
  yield* held
  for (const text of form.after()) yield { type: 'text', text, page: null }
  yield { type: 'end', ledger: { documents, pages, warnings } }
}

/** The text stands in the content, and its blocks where they are asked for; so do pictures, where they are embedded: they are not held twice. */
function factsOf(result: PageResult, request: OcrRequest): Omit<PageResult, 'text' | 'blocks'> {
  const { text: _, blocks: __, figures, ...facts } = result
  return figures === undefined || request.figures?.marks === 'embed' ? facts : { ...facts, figures }
}

function hasFailed({ status }: LedgerPage): boolean {
  return status === 'failed' || status === 'pending'
}

function allFailed(pages: readonly LedgerPage[]): GatewayError {
  const first = pages.find(({ error }) => error !== null)?.error ?? null
  if (first === null) return new GatewayError('document_empty', 'The document has no page to read.')
  if (pages.length === 1) return first
  return reworded(first, `All ${pages.length} pages failed. The first: ${first.message}`)
}
