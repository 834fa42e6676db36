import type { PageImage } from '../page/page.ts'
import type { Rung } from '../profile/model-profile.ts'
import type { Question } from '../profile/question.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Span } from '../telemetry/span.ts'
import type { AttemptBudget } from './attempt-budget.ts'
import type { AgreementLevel } from './evidence/agreement-level.ts'
import type { AttemptReason, PageAnswer } from './page-answer.ts'

/** How a request wants the page cache to be used. */
export type CacheMode = 'use' | 'refresh' | 'off'

/** Rasterizes a page. */
export type Draw = (signal: AbortSignal, options?: DrawOptions) => Promise<PageImage>

/** How a page is rasterized. */
export interface DrawOptions {
  /** Left out: that of the request that the page belongs to. */
  readonly turn?: Turn
  /** Called, once or more often, when the page proves to be slow or large: it waits behind the others from then on. */
  readonly onAside?: () => unknown
}

/** An attempt of the guard at a page, or at a tile of it. */
export interface AttemptSeen {
  /** What the engine was shown. */
  readonly image: PageImage
  /** Why it did not count; null where it did. */
  readonly reason: AttemptReason | null
  /** All that it wrote, up to a loop; null where the engine has failed. */
  readonly text: string | null
  readonly sampling: Rung
}

/**
 * A page that a request wants read: the question, how it is drawn, and what it shares with the request's other pages.
 */
export interface PageToRead {
  /** Page key: hash of everything that decides the page's text. */
  readonly key: string
  readonly question: Question
  /** Hash of everything beside the page image that decides its text. */
  readonly questionKey: string
  readonly cache: CacheMode
  /** Its answer, where that was found before: it is read no more. */
  readonly known?: PageAnswer | undefined
  /** Rasterizes the page. Called only on a miss, so that a hit costs no drawing. */
  readonly draw: Draw
  /** Whether its text layer may be its text, without an engine, where the page is plain print; left out: an engine is asked. */
  readonly mayBeEasy?: boolean
  /** Rasterizes the page for a closer look, with more pixels or in halves; null where no closer look is wanted. */
  readonly drawCloser: Draw | null
  /**
   * Rasterizes the page, as it lies in the document, with more pixels than an engine is shown, to cut pictures out of it. Left
   * out, or null, where what an engine sees lies otherwise.
   */
  readonly drawForFigures?: Draw | null
  /** Media type of its document. */
  readonly format: string
  readonly requestId: string
  /** Left out: it is not traced. */
  readonly span?: Span | undefined
  /** Whose page it is; while requests share its reading, the most urgent of them. */
  readonly turn: Turn
  /** The retries that are left to the request. */
  readonly attemptBudget: AttemptBudget
  /** How well the document's pages agree with their text layers. */
  readonly level: AgreementLevel
  /** Image keys that the request has refreshed: it reads each page image only once. */
  readonly refreshedImages: Set<string>
  /** Called when an engine begins with the page, or with a part of it; not where another page's reading is joined. */
  readonly onTaken?: (() => void) | undefined
  /** Called after each attempt of the guard that was not aborted, not where another page's reading is joined; must not throw. */
  readonly onAttempt?: ((attempt: AttemptSeen) => void) | undefined
}
