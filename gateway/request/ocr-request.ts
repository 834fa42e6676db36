import type { Source } from '../document/source.ts'
import type { PageNaming, PageRange } from '../page/page-range.ts'
import type { Preparation } from '../page/preparation.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Span } from '../telemetry/span.ts'
import type { Question } from '../profile/question.ts'
import type { FieldsWish } from './fields-schema.ts'

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
  /** What a task that extracts is to find, where its values are checked; left out, or null: none are. */
  readonly fields?: FieldsWish | null
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
  /** How tables are written; left out, or null: as the model writes them. */
  readonly tables?: 'markdown' | 'html' | null
  /** What becomes of the pictures that the model marks; left out, or null: their marks stay, and none is cut out. */
  readonly figures?: FigureWish | null
  /** What is joined where the end of a page has cut it; left out, or null: nothing is. */
  readonly join?: JoinWish | null
  /** What becomes of what stands at the top of page after page; left out: it is kept. */
  readonly headers?: RunningLines
  /** The same at the bottom. */
  readonly footers?: RunningLines
  /** Which other models read its pages, and when; left out, or null: its own model reads all of them. */
  readonly routes?: Routes | null
}

/** Where the pages of a request go, beside its own model. */
export interface Routes {
  /** Asked once for a page that the request's model could not read; null: none is. */
  readonly fallback: OtherReader | null
  /** It is the model for hard pages of `auto`, and not one that the client has named. */
  readonly isEscalation: boolean
  /** Reads each page too, to compare; null: none does. */
  readonly referee: OtherReader | null
  /** How easy pages may be answered without the request's model; null: they may not. */
  readonly easy: EasyRoutes | null
}

/** A model beside the request's own, and what it is asked; a model that no upstream serves now has no question. */
export interface OtherReader {
  readonly id: string
  readonly question: OtherQuestion | null
}

/** What another model is asked, and how its values are asked for again: in that model's own words. */
export type OtherQuestion = Question & Pick<OcrRequest, 'fields'>

/** How easy pages may be answered. */
export interface EasyRoutes {
  /** By the text layer of their document. */
  readonly textLayer: boolean
  /** By Tesseract; null: not by it. */
  readonly tesseract: Question | null
}

/** What is joined where the end of a page has cut it. */
export interface JoinWish {
  /** Words and lists, too. */
  readonly paragraphs: boolean
  readonly tables: boolean
}

/** What becomes of headers, or of footers: they stay, they are left out, or they stand in the ledger alone. */
export type RunningLines = 'keep' | 'strip' | 'separate'

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
