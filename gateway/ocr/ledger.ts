import type { Usage } from '../engine/engine.ts'
import type { Warning } from '../request/ocr-request.ts'
import type { DocumentFacts, PageNumber, PageResult } from './page-event.ts'

/** One page's line: how it ended and where its text stands, as offsets into the content in UTF-16 code units. */
export interface LedgerPage extends PageNumber, PageResult {
  readonly start: number
  readonly end: number
}

/** What became of every page that was asked for. */
export interface Ledger {
  readonly documents: readonly DocumentFacts[]
  readonly pages: readonly LedgerPage[]
  readonly warnings: readonly Warning[]
}

/** Sums the tokens of all pages; `cachedPromptTokens` are those of pages that cost nothing this time. */
export function sumUsage({ pages }: Ledger): Usage & { readonly cachedPromptTokens: number } {
  let promptTokens = 0
  let completionTokens = 0
  let cachedPromptTokens = 0
  for (const { usage, cache } of pages) {
    promptTokens += usage.promptTokens
    completionTokens += usage.completionTokens
    if (cache === 'hit') cachedPromptTokens += usage.promptTokens
  }
  return { promptTokens, completionTokens, cachedPromptTokens }
}

/** Returns `length` when a page was cut off or time ran out before it, as OpenAI's clients expect, else `stop`. */
export function finishReason({ pages }: Ledger): 'stop' | 'length' {
  return pages.some((page) => page.finishReason === 'length' || page.status === 'pending') ? 'length' : 'stop'
}

/** Tells how the cache served a request: every page, none, or some. */
export function cacheOutcome(cachedPages: number, pages: number): 'HIT' | 'MISS' | 'PARTIAL' {
  if (cachedPages === 0) return 'MISS'
  return cachedPages === pages ? 'HIT' : 'PARTIAL'
}
