import type { Ledger, LedgerPage } from '../../../gateway/ocr/ledger.ts'
import type { AnswerEvents } from '../../../gateway/ocr/answer-events.ts'
import { unread } from '../../../gateway/read/page-answer.ts'

const documentFacts = { sha256: 'ab', mediaType: 'application/pdf', pages: 2, name: null }

/** The ledger's page of a text that begins here, with everything a test does not care about. */
export function ledgerPage(page: number, start: number, end: number, more: Partial<LedgerPage> = {}): LedgerPage {
  const { text: _, ...facts } = unread('vllm')
  return {
    ...facts,
    page,
    document: 1,
    documentPage: page,
    label: null,
    status: 'ok',
    attempts: 1,
    rasterizer: 'pdfium',
    finishReason: 'stop',
    width: 1088,
    height: 1540,
    usage: { promptTokens: 100, completionTokens: 10 },
    error: null,
    start,
    end,
    closing: 0,
    ...more,
  }
}

/** A ledger of these pages. */
export function ledgerOf(pages: readonly LedgerPage[], more: Partial<Ledger> = {}): Ledger {
  return { documents: [documentFacts], pages, warnings: [], ...more }
}

/** Two pages, the second from the cache, as the pipeline tells of them: the events after the documents are open. */
export async function* twoPages(): AnswerEvents {
  yield [{ type: 'text', text: 'one', page: 1 }]
  yield [
    { type: 'text', text: '|', page: null },
    { type: 'text', text: 'two', page: 2 },
  ]
  yield [{ type: 'end', ledger: ledgerOf([ledgerPage(1, 0, 3), ledgerPage(2, 4, 7, { cache: 'hit' })]) }]
}

/** The same with the documents before them. */
export async function* opened(): AnswerEvents {
  yield [{ type: 'document-open', documents: [documentFacts], pages: 2, cachedPages: 1 }]
  yield* twoPages()
}
