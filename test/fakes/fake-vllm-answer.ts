import type { SeenImage } from './fake-vllm-image.ts'
import type { FakeModel } from './fake-vllm-models.ts'

/** What the fake saw of one request, recorded as it happens. Times are `performance.now()` milliseconds. */
export interface FakeRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parsed body; null for none. */
  readonly body: ChatBody | null
  readonly image: SeenImage | null
  readonly startedAt: number
  /** When the last byte was written, or the client left. */
  readonly endedAt: number | null
  /** The answer was written to its end. */
  readonly finished: boolean
  /** The client closed the connection before that. */
  readonly aborted: boolean
  /** Which connection it came over: requests that share a number shared a socket. */
  readonly connection: number
  /** Ends what generates the answer when the client leaves. */
  readonly signal: AbortSignal
}

/** The part of a request's body that the fake looks at. */
export interface ChatBody {
  readonly [field: string]: unknown
  readonly model?: string
  readonly messages?: readonly { readonly role?: string; readonly content?: unknown }[]
  readonly prompt?: unknown
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean; readonly continuous_usage_stats?: boolean }
  readonly logprobs?: boolean
  readonly top_logprobs?: number | null
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
}

/** What to answer. A string is an answer that ends well. */
export type Answer = string | ScriptedAnswer

/** An answer whose course is told: what is said, how slowly, and how it ends. */
export interface ScriptedAnswer {
  readonly text?: string
  /** Exact deltas, in place of `text` cut into words. */
  readonly deltas?: readonly string[]
  /**
   * Of each delta, in order, and then of the end, for a request that asks for them; null where vLLM knows none. The rest
   * have -0.01, and the end 0.
   */
  readonly logprobs?: readonly (number | null)[]
  /** Milliseconds before the first delta, and before every other. */
  readonly firstDelayMs?: number
  readonly delayMs?: number
  /** What `usage` says of the prompt, in place of what it has. */
  readonly promptTokens?: number
  /** Defaults to `stop`, or to `length` where `max_tokens` cut the text. */
  readonly finishReason?: string
  /**
   * What happens after the last delta: a good end; an error event; silence; a broken socket; the end of the body
   * without a finish reason; or a broken socket after the finish reason.
   */
  readonly ending?: 'finish' | 'error' | 'hang' | 'break' | 'end' | 'break-after-finish'
  /** What an error event says. */
  readonly streamError?: { readonly message: string; readonly type: string; readonly code: number }
  /** An HTTP error in place of an answer; a body that is a string is sent as it is. */
  readonly failure?: { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> }
  /** Never sends a byte, as a sleeping engine does. */
  readonly silent?: boolean
  /** Closes the socket without a byte. */
  readonly refuse?: boolean
}

/** A generation: what is left of an answer after the limits of the request. */
export interface Generation {
  readonly deltas: readonly string[]
  readonly finishReason: string
  readonly promptTokens: number
}

/** Cuts a text into what the fake calls tokens: words with the space before them. */
export function toDeltas(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? []
}

/** Applies the request's `max_tokens` to an answer: at most that many deltas, and `length` when some are left out. */
export function generate(answer: ScriptedAnswer, body: ChatBody, promptTokens: number, model: FakeModel): Generation {
  const wanted = answer.deltas ?? toDeltas(answer.text ?? '')
  const left = Math.max(0, model.maxModelLen - promptTokens)
  const limit = Math.min(body.max_completion_tokens ?? body.max_tokens ?? left, left)
  const cut = wanted.length > limit
  return {
    deltas: cut ? wanted.slice(0, limit) : wanted,
    finishReason: answer.finishReason ?? (cut ? 'length' : 'stop'),
    promptTokens: answer.promptTokens ?? promptTokens,
  }
}

/** What the fake reads off a page when no script says otherwise: what it was shown, and the page's own number. */
export function describePage(image: SeenImage): string {
  const seen = `page image ${image.width}x${image.height} sha ${image.sha256.slice(0, 12)}`
  return image.pageNumber === null ? seen : `This is page ${image.pageNumber}.\n\n${seen}`
}
