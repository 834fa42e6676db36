import type { OcrRequest } from '../request/ocr-request.ts'
import { joinObjects } from './fields/join-objects.ts'
import type { PageFacts } from './fields/page-facts.ts'
import type { Ledger, LedgerPage } from './ledger.ts'

type Fields = Record<string, unknown>

/** What was read from a page. */
export interface PageText {
  readonly page: number
  readonly text: string
  /** What is known of the values in it, where they are looked at. */
  readonly facts?: PageFacts | undefined
}

/** Tells whether the content is one JSON value: the model was asked for one, and a client parses it, or it is of a schema. */
export function isParsed({ parsesContent, answersJson, output, fields = null }: OcrRequest): boolean {
  return (parsesContent || fields?.isJoined === true) && answersJson && output === 'markdown'
}

/** One JSON object out of the answers of several pages. */
export interface JoinedJson {
  readonly text: string
  /** The pages that it is made of. */
  readonly pages: ReadonlySet<number>
}

/**
 * Joins what was extracted from each page into one object: of each field the first value that is one, and the items of all
 * lists. Null where no page's answer is an object.
 */
export function joinJson(answers: readonly PageText[]): JoinedJson | null {
  const found = answers.flatMap(({ page, text }) => {
    const fields = fieldsOf(text)
    return fields === null ? [] : [{ page, fields }]
  })
  if (found.length === 0) return null
  const text = written(joinObjects(found.map(({ page, fields }) => ({ page, object: fields }))).object)
  return text === null ? null : { text, pages: new Set(found.map(({ page }) => page)) }
}

/** Says where the pages stand in a joined object: it is the text of each that it is made of. */
export function joinedPages(pages: readonly LedgerPage[], { text, pages: joined }: JoinedJson): LedgerPage[] {
  return pages.map((page) => ({ ...page, start: 0, end: joined.has(page.page) ? text.length : 0 }))
}

/** Says that the content is not what its client parses, or that it lacks pages. Values that were asked for need an object. */
export function answerWarnings(
  pages: readonly LedgerPage[],
  answers: readonly PageText[],
  joined: JoinedJson | null,
  needsObject: boolean,
): Ledger['warnings'] {
  if (joined !== null) {
    const missing = pages.filter(({ page, status }) => status !== 'blank' && !joined.pages.has(page))
    if (missing.length === 0) return []
    return warning(`The content lacks ${named(missing)}: not read, or the answer there is no JSON object.`)
  }
  if (pages.length > 1) {
    return warning(`The content is no JSON object: none of the ${pages.length} pages has an answer that is one.`)
  }
  if (pages.every(({ status }) => status === 'blank'))
    return warning('The content is no JSON object: the page is blank.')
  if (!answers.every(({ text }) => isJson(text))) {
    return warning('The content is not JSON: the model was asked for it, and wrote something else.')
  }
  return needsObject ? warning('The content is JSON, but no object: the values that were asked for are not in it.') : []
}

const warning = (message: string): Ledger['warnings'] => [{ code: 'response_format_ignored', message }]

const MAX_NAMED = 20

function named(pages: readonly LedgerPage[]): string {
  const numbers = pages.slice(0, MAX_NAMED).map(({ page }) => page)
  const more = pages.length > MAX_NAMED ? ` and ${pages.length - MAX_NAMED} more` : ''
  return `${pages.length === 1 ? 'page' : 'pages'} ${numbers.join(', ')}${more}`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
  } catch {
    return null
  }
}

/** A model may nest its answer deeper than it can be written. */
function written(fields: Fields): string | null {
  try {
    return JSON.stringify(fields)
  } catch {
    return null
  }
}
