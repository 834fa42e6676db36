import type { Source } from '../document/source.ts'
import type { PageRange } from '../page/page-range.ts'
import type { Preparation } from '../page/preparation.ts'
import type { Turn } from '../schedule/turn.ts'
import type { ModelProfile, ServedModel } from '../profile/model-profile.ts'

/** A served model that reads pages. */
export type OcrModel = ServedModel & { readonly profile: ModelProfile }

/** Something the caller should know about a request that was carried out all the same. */
export interface Warning {
  readonly code: 'prompt_not_used'
  readonly message: string
}

/** What a client wants read and how, whichever protocol it came by. */
export interface OcrRequest {
  readonly id: string
  readonly model: OcrModel
  readonly sources: readonly Source[]
  /** Null: all pages. Pages of several documents are numbered through, in the order of the documents. */
  readonly pages: PageRange | null
  readonly task: string
  /** The exact text sent beside each page image; null when the model is shown the image alone. */
  readonly prompt: string | null
  /** The task's answer is JSON rather than Markdown. */
  readonly answersJson: boolean
  readonly output: 'markdown' | 'text' | 'json'
  readonly pageSeparator: string
  readonly preparation: Preparation
  readonly onPageError: 'mark' | 'fail'
  readonly cache: 'use' | 'refresh' | 'off'
  /** Whether the ledger is to say how sure the model was of each page. */
  readonly confidence: boolean
  /** Whether pages are only to be looked at, not read. */
  readonly dryRun: boolean
  /** Whose request it is. */
  readonly turn: Turn
  /** When the client stops waiting, on the clock of `performance.now()`; null: never. */
  readonly deadline: number | null
  readonly warnings: readonly Warning[]
}
