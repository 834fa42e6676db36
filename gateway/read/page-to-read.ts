import type { PageImage } from '../page/page.ts'
import type { Question } from '../profile/question.ts'
import type { Turn } from '../schedule/turn.ts'
import type { AttemptBudget } from './attempt-budget.ts'
import type { AgreementLevel } from './evidence/agreement-level.ts'

/** How a request wants the page cache to be used. */
export type CacheMode = 'use' | 'refresh' | 'off'

/** A page that a request wants read: what is asked about it, how it is drawn, and what it shares with the request's other pages. */
export interface PageToRead {
  /** Page key: hash of everything that decides the page's text. */
  readonly key: string
  readonly question: Question
  /** Hash of everything beside the page image that decides its text. */
  readonly questionKey: string
  readonly cache: CacheMode
  /** Rasterizes the page. Called only when the cache does not know its answer, so that a hit costs no drawing. */
  readonly draw: (signal: AbortSignal) => Promise<PageImage>
  /** Rasterizes the page with more pixels than the model usually sees at once; null where that is not wanted. */
  readonly drawCloser: ((signal: AbortSignal) => Promise<PageImage>) | null
  readonly requestId: string
  /** Whose page it is. */
  readonly turn: Turn
  /** What the request may still spend on pages that were not read at the first attempt. */
  readonly attemptBudget: AttemptBudget
  /** How well the document's pages agree with their text layers. */
  readonly level: AgreementLevel
  /** Image keys that the request has refreshed: each page image is read anew once a request. */
  readonly refreshedImages: Set<string>
}
