import type { Source } from '../document/source.ts'
import type { PageRange } from '../page/page-range.ts'
import type { Preparation } from '../page/preparation.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Question } from '../profile/question.ts'

/** Something the caller should know about a request that was carried out all the same. */
export interface Warning {
  readonly code: 'prompt_not_used'
  readonly message: string
}

/** What a client wants read and how, whichever protocol it came by. */
export interface OcrRequest extends Question {
  readonly id: string
  readonly sources: readonly Source[]
  /** Null: all pages. Pages of several documents are numbered through, in the order of the documents. */
  readonly pages: PageRange | null
  /** The task's answer is JSON rather than Markdown. */
  readonly answersJson: boolean
  readonly output: 'markdown' | 'text' | 'json'
  readonly pageSeparator: string
  readonly preparation: Preparation
  readonly onPageError: 'mark' | 'fail'
  readonly cache: 'use' | 'refresh' | 'off'
  /** Whether pages are only to be looked at, not read. */
  readonly dryRun: boolean
  /** Whose request it is. */
  readonly turn: Turn
  /** When the client stops waiting, on the clock of `performance.now()`; null: never. */
  readonly deadline: number | null
  readonly warnings: readonly Warning[]
}
