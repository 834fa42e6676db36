import type { PageImage } from '../page/page.ts'
import type { Rung, ServedModel } from '../profile/model-profile.ts'
import type { Question } from '../profile/question.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Span } from '../telemetry/span.ts'

/** The kinds of engines, as models name theirs. */
export type EngineName = ServedModel['engine']

/** What an engine is asked: one page image, and the question about it. */
export interface Prompt {
  readonly question: Question
  readonly image: PageImage
  readonly requestId: string
  /** Of the attempt; left out: it is not traced. */
  readonly span?: Span | undefined
  /** The page's place in the upstreams' queue. */
  readonly turn: Turn
  readonly attempt: Attempt
  /** Called when the engine begins with it: it does not wait any more. */
  readonly onTaken?: (() => void) | undefined
}

/** One attempt at a page. */
export interface Attempt {
  /** 1 is the first. */
  readonly number: number
  /** How it departs from the profile's sampling. */
  readonly sampling: Rung
  /**
   * Base URLs of the upstreams that were asked for this page. The engine adds the one it asks, and prefers untried
   * ones.
   */
  readonly tried: Set<string>
  /** How often its page was given back; left out: never. */
  readonly timesGivenBack?: number
}

/** Tokens, as the engine counted them. */
export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

/** How sure a model was, from the log probabilities of its tokens, or words: geometric means, 0 to 1. */
export interface Confidence {
  /** Over the whole page. */
  readonly mean: number
  /** Of the least sure stretch of the page. */
  readonly lowest: number
}

/** A piece of an answer, by where it ends in the text, and the natural logarithm of the probability of its least sure token. */
export type SurePiece = readonly [end: number, logprob: number]

/** How an answer ended. */
export interface AnswerEnd {
  /** `stop` is the only good end; `length`, `abort`, `repetition` and any other reason are not. */
  readonly finishReason: string
  readonly usage: Usage
  /** Null when the engine gave none: it was not asked for it, it cannot tell, or it found no text. */
  readonly confidence: Confidence | null
  /** It has seen nothing but lines of print, one below the other; left out: it cannot tell. */
  readonly isPlain?: boolean
  /** How sure the engine was of each piece of its text, in order; left out where that is not known. */
  readonly surePieces?: readonly SurePiece[] | null
  /** The base URL of the upstream that answered; left out where there is none. */
  readonly upstream?: string
  /** Where the parts of its text stand, in their order; left out: the engine does not know. */
  readonly blocks?: readonly EngineBlock[]
}

/** A part of an answer, a paragraph or a table, with its place on the image that the engine was shown. */
export interface EngineBlock {
  /** Of its text within the answer's, in UTF-16 code units. */
  readonly start: number
  readonly end: number
  /** Left, top, right, bottom, in pixels. */
  readonly box: readonly [number, number, number, number]
  /** The geometric mean over its words, 0 to 1; null where none has one. */
  readonly confidence: number | null
}

/** Thrown when a page is given back half read, since its server has too many: it is to be asked for again, and no attempt was made. */
export class GivenBack extends Error {}

/**
 * Answers a prompt in one attempt: hands over each delta, a piece of the page's raw text, in the moment in which it comes, and returns how the answer
 * ended. Throws GatewayError (`engine_error`, `engine_unavailable`, `engine_timeout`), GivenBack, what `onDelta` throws, and the signal's
 * reason when aborted; ends its own work before it throws.
 */
export type Engine = (prompt: Prompt, signal: AbortSignal, onDelta: (delta: string) => void) => Promise<AnswerEnd>
