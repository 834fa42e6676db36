import { GatewayError, reworded } from '../errors.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { createContent, type WrittenPage } from './content.ts'
import type { ReadFields } from './fields/document-fields.ts'
import type { Ledger, LedgerPage } from './ledger.ts'
import { answerWarnings, isParsed, joinedPages, joinJson, type PageText } from './joined-json.ts'
import { createHeads, type HeadedPage } from './join/heads.ts'
import { outputForm, type OutputForm } from './output.ts'
import type { DocumentOpen, OcrEvent, PageEnd, PagePreviewed } from './page-event.ts'

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

/** Pieces that come together are told together, up to so many characters: the others are written when these were taken. */
const MAX_TOGETHER = 64 * 1024

/**
 * Joins page texts into the document's text, with the separator between them and the offsets of each in the ledger. No
 * text is yielded before a page has been read, so that a request whose pages all failed throws the first page's error
 * before any byte is sent. Where a client parses the content, and the model answers JSON, the pages' objects become one.
 */
export async function* stitch(
  events: AsyncIterable<readonly OcrEvent[]>,
  request: OcrRequest,
  readFields: ReadFieldsOf = async () => null,
): AsyncGenerator<readonly StitchEvent[], void, undefined> {
  const form = outputForm(request)
  const pages = createPages(request, form)
  for await (const together of events) {
    let told: StitchEvent[] = []
    let length = 0
    for (const event of together) {
      if (event.type !== 'page-end') {
        if (event.type === 'document-open') pages.documents.push(...event.documents)
        told.push(event)
        continue
      }
      for (const piece of pages.add(event)) {
        told.push(piece)
        length += piece.text.length
      }
      if (length < MAX_TOGETHER) continue
      yield told
      told = []
      length = 0
    }
    if (told.length > 0) yield told
  }
  const { held, lines, answers } = pages.end()
  if (lines.every(holdsNothing)) throw allFailed(lines)
  const fields = await readFields(answers)
  const joined = isParsed(request) ? (fields ?? joinJson(answers)) : null
  const ofFields = fields === null ? {} : { fields }
  const needsObject = (request.fields ?? null) !== null
  const found = isParsed(request) ? answerWarnings(lines, answers, joined, needsObject) : []
  const warnings = [...request.warnings, ...found]
  const { documents } = pages
  if (joined !== null && (lines.length > 1 || fields !== null)) {
    yield [{ type: 'text', text: joined.text, page: null }]
    yield [{ type: 'end', ledger: { documents, pages: joinedPages(lines, joined), warnings, ...ofFields } }]
    return
  }
  if (held.length > 0) yield held
  for (const text of form.after()) yield [{ type: 'text', text, page: null }]
  yield [{ type: 'end', ledger: { documents, pages: lines, warnings, ...ofFields } }]
}

/** The pages of a request, on their way into its content. */
interface Pages {
  /** Those that were opened. */
  readonly documents: DocumentOpen['documents'][number][]
  /** Takes a page; returns what can be told of the content now. */
  add(page: PageEnd): readonly TextPiece[]
  /** Returns what was held back, the lines of the ledger, and what the pages have answered where that is looked at. */
  end(): { readonly held: readonly TextPiece[]; readonly lines: LedgerPage[]; readonly answers: readonly PageText[] }
}

function createPages(request: OcrRequest, form: OutputForm): Pages {
  const heads = createHeads(request)
  const content = createContent(request, form)
  const documents: Pages['documents'] = []
  const answers: PageText[] = []
  let held: TextPiece[] = []
  let hasText = false

  const write = (pages: readonly WrittenPage[]): void => {
    for (const { joint, text, line } of pages) {
      if (joint !== '') held.push({ type: 'text', text: joint, page: null })
      held.push({ type: 'text', text, page: line.page, ended: { documents, pages: [line] } })
    }
  }
  const take = (pages: readonly HeadedPage[]): void => {
    for (const headed of pages) {
      const { page, result } = headed
      const { fields: known } = result
      if (isRead(request) && (result.error === null || known !== undefined)) {
        answers.push({ page: page.page, text: result.text, facts: known })
      }
      hasText ||= !holdsNothing(result)
      write(content.add(headed))
    }
  }

  return {
    documents,
    add(page) {
      take(heads.add(page))
      if (isParsed(request) || !hasText) return []
      const told = held
      held = []
      return told
    },
    end() {
      take(heads.end())
      write(content.end())
      return { held, lines: content.lines(), answers }
    },
  }
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
