import type { PageAnswer } from '../read/page-answer.ts'
import type { ErrorCode } from '../errors.ts'
import type { Warning } from '../request/ocr-request.ts'
import type { DocumentFields } from './fields/document-fields.ts'
import type { DocumentFacts, PageNumber, PageResult } from './page-event.ts'

type Usage = PageAnswer['usage']

/** One page's line: how it ended and where its text stands, as offsets into the content in UTF-16 code units. */
export interface LedgerPage extends PageNumber, Omit<PageResult, 'text' | 'blocks'> {
  readonly start: number
  readonly end: number
  /** So many characters before the end, or before the mark of a failure, are the gateway's: they close what was open. */
  readonly closing: number
  /** Its text goes on with an earlier page's; left out: it does not. */
  readonly joined?: JoinedBlock
  /** What was taken out of its text, where headers or footers were to stand apart. */
  readonly header?: string
  readonly footer?: string
}

/** A block of the content that the ends of pages had cut. */
export interface JoinedBlock {
  /** The page on which it begins. */
  readonly page: number
  readonly kind: 'paragraph' | 'word' | 'table' | 'list'
  /** Where the whole block stands in the content. */
  readonly start: number
  readonly end: number
}

/** What became of every page that was asked for. */
export interface Ledger {
  readonly documents: readonly DocumentFacts[]
  readonly pages: readonly LedgerPage[]
  readonly warnings: readonly Warning[]
  /** The values that were asked for; left out where none are looked at. */
  readonly fields?: DocumentFields
  /** What reading would take; the ledger then has no pages. */
  readonly dryRun?: DryRun
}

/** What a dry run has found. Every page is in one of the lists, is cached, or is to be read. */
export interface DryRun {
  readonly pages: number
  readonly cachedPages: number
  readonly blankPages: readonly number[]
  /** Pages that look the same as an earlier one. */
  readonly repeatedPages: readonly { readonly page: number; readonly sameAs: number }[]
  readonly unreadablePages: readonly { readonly page: number; readonly code: ErrorCode }[]
  /** Pages that were not looked at before the client's time was up; they count as pages to read. */
  readonly pendingPages: readonly number[]
  /** Pages that an engine would be asked for. */
  readonly pagesToRead: number
  /** Pages that their text layer answers; left out where it is not asked. */
  readonly easyPages?: readonly number[]
  /** The model that reads each page to read a second time, which is not in `expected`; left out: none. */
  readonly verifiedBy?: string
  readonly expected: Expectation
}

/** What reading the pages to read is expected to take. */
export interface Expectation extends Usage {
  /** Null when nothing was measured. */
  readonly seconds: number | null
  /** Pages of this model and task that were read here before; with none, completion tokens are a guess. */
  readonly measuredPages: number
}

/** Sums the tokens of all pages and of all their readings; `cachedPromptTokens` are the prompt tokens of hits, which cost nothing this time. */
export function sumUsage({ pages }: Ledger): Usage & { readonly cachedPromptTokens: number } {
  let promptTokens = 0
  let completionTokens = 0
  let cachedPromptTokens = 0
  for (const { usage, cache, otherUsage } of pages) {
    promptTokens += usage.promptTokens + (otherUsage?.promptTokens ?? 0)
    completionTokens += usage.completionTokens + (otherUsage?.completionTokens ?? 0)
    if (cache === 'hit') cachedPromptTokens += usage.promptTokens
  }
  return { promptTokens, completionTokens, cachedPromptTokens }
}

/**
 * Returns `length` where pages are pending, else `stop`. A page that was cut off is `failed` in the ledger and no reason
 * for `length`: OpenAI's clients throw the whole answer away for it.
 */
export function finishReason({ pages, dryRun }: Ledger): 'stop' | 'length' {
  if (dryRun !== undefined) return dryRun.pendingPages.length > 0 ? 'length' : 'stop'
  return pages.some(({ status }) => status === 'pending') ? 'length' : 'stop'
}

/** Counts the pages that were asked for, and the hits among them. */
export function countPages({ pages, dryRun }: Ledger): Pick<DryRun, 'pages' | 'cachedPages'> {
  if (dryRun !== undefined) return { pages: dryRun.pages, cachedPages: dryRun.cachedPages }
  return { pages: pages.length, cachedPages: pages.filter(({ cache }) => cache === 'hit').length }
}

/** Tells how the cache served a request: every page, none, or some. */
export function cacheOutcome(cachedPages: number, pages: number): 'HIT' | 'MISS' | 'PARTIAL' {
  if (cachedPages === 0) return 'MISS'
  return cachedPages === pages ? 'HIT' : 'PARTIAL'
}
