import type { PageImage, PageWarning } from '../page/page.ts'
import type { Turn } from '../schedule/turn.ts'
import type { ModelProfile, Rung, ServedModel } from '../profile/model-profile.ts'
import type { AgreementLevel } from '../read/evidence/agreement-level.ts'

/** Everything that decides one page's text, and the way to get its image. What an engine is asked. */
export interface PagePrompt {
  /** Hash of everything that decides the page's text. */
  readonly pageKey: string
  /** Hash of everything that decides the text of a page image once it is drawn: the model, the task, the sampling. */
  readonly questionKey: string
  /** How this request wants the cache to be used. */
  readonly cache: 'use' | 'refresh' | 'off'
  readonly model: ServedModel & { readonly profile: ModelProfile }
  readonly task: string
  /** The exact prompt text sent beside the image; null when the model is shown the image alone. */
  readonly text: string | null
  /** Rasterizes the page. Called only when the page is really asked for, so that a hit costs no drawing. */
  readonly image: (signal: AbortSignal) => Promise<PageImage>
  /** Rasterizes the page with more pixels than the model usually sees at once, where that is possible; left out: never. */
  readonly closerImage?: (signal: AbortSignal) => Promise<PageImage>
  readonly requestId: string
  /** Whose page it is. */
  readonly turn: Turn
  /** Whether the engine is to say how sure it is of its answer. */
  readonly confidence: boolean
  /** What the request may still spend on pages that were not read at the first try; left out: no bound. */
  readonly attemptBudget?: AttemptBudget
  /** How well the document's pages agree with their text layers; left out: as is usual. */
  readonly level?: AgreementLevel
  /** Which try at the page this is; left out for a first one that nobody guards. */
  readonly attempt?: Attempt
}

/** The tries beyond the first that all pages of one request share: one bad document must not cost several good ones. */
export interface AttemptBudget {
  /** Takes one; false when there is none left. */
  take(): boolean
}

/** One try at a page. */
export interface Attempt {
  /** 1 is the first. */
  readonly number: number
  /** How it departs from the profile's sampling. */
  readonly sampling: Rung
  /** Base URLs of the upstreams that were asked for this page. An engine adds its own, and asks another while there is one. */
  readonly tried: Set<string>
}

/** Why an attempt at a page did not count. */
export const attemptReasons = [
  'empty',
  'loop',
  'cut_off',
  'commentary',
  'echo',
  'low_agreement',
  'aborted',
  'too_long',
  'engine_error',
  'engine_unavailable',
  'engine_timeout',
] as const

export type AttemptReason = (typeof attemptReasons)[number]

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

/** A piece of a page's raw text. */
export interface TextDelta {
  readonly type: 'text'
  readonly text: string
}

/** The last thing an engine says about a page. A stream that ends without one was broken off. */
export interface EndDelta {
  readonly type: 'end'
  /** `stop` is the only good end; `length`, `abort`, `repetition` and whatever else a server says are not. */
  readonly finishReason: string
  /** Of the attempt whose text this is; estimated where the gateway cut it and the engine never said. */
  readonly usage: Usage
  /** Pixels of the page image that the engine was shown. */
  readonly width: number
  readonly height: number
  readonly rasterizer: PageImage['rasterizer']
  /** Nothing was on the page, and no engine was asked. */
  readonly blank: boolean
  readonly warnings: readonly PageWarning[]
  readonly engine: 'vllm' | 'tesseract'
  readonly cache: 'hit' | 'miss' | 'joined'
  /** How often an engine was asked for this page. */
  readonly attempts: number
  /** Why attempts did not count, in order: one fewer than `attempts` when the last one did. */
  readonly reasons: readonly AttemptReason[]
  /** The share of the text layer's words and numbers that the answer holds, 0 to 1; null without a layer to trust. */
  readonly agreement: number | null
  /** Null when the engine did not say: nobody asked it to, or it cannot, or nothing was on the page. */
  readonly confidence: Confidence | null
  /** The text is the document's own text layer: no answer counted. */
  readonly isFallback: boolean
  /** The key under which the answer is kept for every page with the same page image, where it is. */
  readonly imageKey?: string
}

/** What the end of an answer says where the engine tries once, and nobody has compared it with anything. */
export const onlyAttempt: Pick<EndDelta, 'attempts' | 'reasons' | 'agreement' | 'confidence' | 'isFallback'> = {
  attempts: 1,
  reasons: [],
  agreement: null,
  confidence: null,
  isFallback: false,
}

export type Delta = TextDelta | EndDelta

/**
 * Whatever answers a prompt with deltas. Engines wrap engines: cache, guard, routing and limits all have this shape.
 * Throws GatewayError (`engine_error`, `engine_unavailable`, `engine_timeout`, or what rasterizing the page threw) and
 * the signal's reason when aborted; ends its own work before it throws.
 */
export type Engine = (prompt: PagePrompt, signal: AbortSignal) => AsyncIterable<Delta>
