import { GatewayError, reworded } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { createContent, type WrittenPage } from './content.ts'
import type { ReadFields } from './fields/document-fields.ts'
import type { Ledger, LedgerPage } from './ledger.ts'
import { answerWarnings, isParsed, joinedPages, joinJson, type PageText } from './joined-json.ts'
import { withHeads } from './join/heads.ts'
import { outputForm } from './output.ts'
import type { DocumentOpen, OcrEvent, PagePreviewed } from './page-event.ts'

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
  readFields: ReadFieldsOf = async () => null,
): AsyncGenerator<StitchEvent, void, undefined> {
  const form = outputForm(request)
  const content = createContent(request, form)
  const documents: DocumentOpen['documents'][number][] = []
  const answers: PageText[] = []
  let held: TextPiece[] = []
  let hasText = false

  const note = (pages: readonly WrittenPage[]): void => {
    for (const { joint, text, line } of pages) {
      if (joint !== '') held.push({ type: 'text', text: joint, page: null })
      held.push({ type: 'text', text, page: line.page, ended: { documents, pages: [line] } })
    }
  }

  for await (const event of withHeads(events, request)) {
    if (event.type !== 'page-end') {
      if (event.type === 'document-open') documents.push(...event.documents)
      yield event
      continue
    }
    const { page, result } = event
    const { fields: known } = result
    if (isRead(request) && (result.error === null || known !== undefined)) {
      answers.push({ page: page.page, text: result.text, facts: known })
    }
    hasText ||= !holdsNothing(result)
    note(content.add(event))
    if (isParsed(request) || !hasText) continue
    yield* held
    held = []
  }
  note(content.end())
  const pages = content.lines()
  if (pages.every(holdsNothing)) throw allFailed(pages)
  const fields = await readFields(answers)
  const joined = isParsed(request) ? (fields ?? joinJson(answers)) : null
  const ofFields = fields === null ? {} : { fields }
  const needsObject = (request.fields ?? null) !== null
  const found = isParsed(request) ? answerWarnings(pages, answers, joined, needsObject) : []
  const warnings = [...request.warnings, ...found]
  if (joined !== null && (pages.length > 1 || fields !== null)) {
    yield { type: 'text', text: joined.text, page: null }
    yield { type: 'end', ledger: { documents, pages: joinedPages(pages, joined), warnings, ...ofFields } }
    return
  }
  yield* held
  for (const text of form.after()) yield { type: 'text', text, page: null }
  yield { type: 'end', ledger: { documents, pages, warnings, ...ofFields } }
}

/** Reads the values that were asked for out of the pages' answers; null where none are looked at, or there are none. */
export type ReadFieldsOf = (answers: readonly PageText[]) => Promise<ReadFields | null>

/** What pages answer is kept where it becomes one object, or its values are looked at. */
const isRead = (request: OcrRequest): boolean => isParsed(request) || (request.fields ?? null) !== null

function hasFailed({ status }: Pick<LedgerPage, 'status'>): boolean {
  return status === 'failed' || status === 'pending'
}

/** An answer that was cut has the values that were whole. */
const holdsNothing = (page: Pick<LedgerPage, 'status' | 'fields'>): boolean =>
  hasFailed(page) && page.fields === undefined

function allFailed(pages: readonly LedgerPage[]): GatewayError {
  const first = pages.find(({ error }) => error !== null)?.error ?? null
  if (first === null) return new GatewayError('document_empty', 'The document has no page to read.')
  if (pages.length === 1) return first
  return reworded(first, `All ${pages.length} pages failed. The first: ${first.message}`)
}
