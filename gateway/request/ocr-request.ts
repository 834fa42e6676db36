import type { Source } from '../document/source.ts'
import type { PageNaming, PageRange } from '../page/page-range.ts'
import type { Preparation } from '../page/preparation.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Span } from '../telemetry/span.ts'
import type { Question } from '../profile/question.ts'

/** A problem that does not stop a request, and that its caller should know. */
export interface Warning {
  readonly code: 'prompt_not_used' | 'documents_not_read' | 'response_format_ignored' | 'option_ignored'
  readonly message: string
}

/** What a client wants read and how, in any protocol. */
export interface OcrRequest extends Question {
  readonly id: string
  /** Left out: it is not traced. */
  readonly span?: Span | undefined
  readonly sources: readonly Source[]
  /** Null: all pages. Pages of several documents are numbered through, in the order of the documents. */
  readonly pages: PageRange | null
  /** What the client calls pages. */
  readonly pageNaming: PageNaming
  /** The task's answer is JSON rather than Markdown. */
  readonly answersJson: boolean
  /** The client will parse the content as one JSON value. */
  readonly parsesContent: boolean
  readonly output: 'markdown' | 'text' | 'json'
  /** The most tokens of a chunk, where the text is wanted in chunks; left out, or null: it is not. */
  readonly chunkTokens?: number | null
  readonly pageSeparator: string
  readonly preparation: Preparation
  readonly onPageError: 'mark' | 'fail'
  /** What a request whose client's time is up becomes: a failure that is to be tried again, or an answer of the pages that are done. */
  readonly onDeadline: 'fail' | 'partial'
  /**
   * What becomes of the pages that an engine has taken, when the client leaves: one that will send the request again wants them
   * finished, and kept. Left out: they are aborted.
   */
  readonly onDisconnect?: 'abort' | 'finish'
  readonly cache: 'use' | 'refresh' | 'off'
  /** Whether pages are only to be looked at, not read. */
  readonly dryRun: boolean
  /** Whether small pictures of the pages are wanted, as soon as they are drawn; left out: they are not. */
  readonly preview?: boolean
  /** The request's place in every queue. */
  readonly turn: Turn
  /** When the client stops waiting, on the clock of `performance.now()`; null: never. */
  readonly deadline: number | null
  readonly warnings: readonly Warning[]
  /** What becomes of the pictures that the model marks; left out, or null: their marks stay, and none is cut out. */
  readonly figures?: FigureWish | null
}

/** What becomes of the marks of pictures in a page's Markdown. */
export type FigureMarks = 'reference' | 'embed' | 'drop'

/** Which pictures a client wants cut out of its pages, and how they stand in the text. */
export interface FigureWish {
  /** `keep`: as the model wrote them; the writer of the answer sees to them. */
  readonly marks: FigureMarks | 'keep'
  /** The most of a page. */
  readonly limit: number
  /** Smaller ones are left out; pixels of the page image, in both directions. */
  readonly minSize: number
}
