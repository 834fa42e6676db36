import { z } from 'zod'

// Loose on purpose: an unknown or missing field in an engine's answer must not cost a page. Shapes after
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/engine/protocol.py (ModelCard, ErrorInfo) and
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/chat_completion/serving.py (the stream).

/** No page has a billion tokens. What is no count says nothing. */
const MAX_TOKENS = 1e9

const tokens = z.number().int().nonnegative().max(MAX_TOKENS).catch(0)

const modelCard = z.object({
  id: z.string(),
  created: z.number().nullish().catch(null),
  owned_by: z.string().nullish().catch(null),
  root: z.string().nullish().catch(null),
  parent: z.string().nullish().catch(null),
  max_model_len: z.number().int().positive().nullish().catch(null),
})

/** Reads the answer of `GET /v1/models`. A LoRA adapter's card has a `parent` and no `max_model_len`. */
export const modelList = z.object({ data: z.array(modelCard) })

/** One entry of `GET /v1/models`. */
export type ModelCard = z.infer<typeof modelCard>

/** Reads the answer of `GET /version`. */
export const versionBody = z.object({ version: z.string().max(100) })

/** Reads the answer of `GET /is_sleeping`. */
export const sleepBody = z.object({ is_sleeping: z.boolean() })

/** vLLM leaves `logprob` out of a token whose probability it does not know. */
const tokenLogprob = z
  .object({ token: z.string().catch(''), logprob: z.number().catch(NaN) })
  .catch({ token: '', logprob: NaN })

/** vLLM sends strings; some servers send OpenAI's list of text parts. */
const content = z
  .union([
    z.string(),
    z.array(z.object({ text: z.string() })).transform((parts) => parts.map(({ text }) => text).join('')),
  ])
  .nullish()

/** vLLM says `reasoning` since 0.11, `reasoning_content` before; other servers still do. */
const said = z
  .object({
    content,
    reasoning: z.string().nullish().catch(null),
    reasoning_content: z.string().nullish().catch(null),
  })
  .nullish()

/** A reason is one word. Whatever else stands in its place is not repeated. */
const REASON = /^[a-z_]{1,32}$/i

const chatChoice = z.object({
  index: z.number().nullish().catch(null),
  /** In a stream. */
  delta: said,
  /** In an answer that is no stream. */
  message: said,
  finish_reason: z
    .string()
    .nullish()
    .catch(null)
    .transform((reason) => (reason == null || REASON.test(reason) ? reason : 'other')),
  logprobs: z
    .object({ content: z.array(tokenLogprob).nullish().catch(null) })
    .nullish()
    .catch(null),
})

type ChatChoice = z.infer<typeof chatChoice>

/**
 * Reads one event of a chat completion's stream, or a whole completion: both have the same shape. Ended by itself, a
 * stream has its `finish_reason` on a chunk without text; usage comes afterwards, on a chunk without choices; a failure
 * after the first byte is an `error` where the chunk would be.
 */
export const chatAnswer = z.object({
  choices: z.array(z.unknown()).nullish().catch(null),
  usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }).nullish().catch(null),
})

/** What the choice that counts has said. */
export interface SaidChoice {
  readonly content: string
  /** What the server's reasoning parser took for thoughts. */
  readonly reasoning: string
  readonly finishReason: string | null
  readonly logprobs: readonly number[]
}

/**
 * Returns the choice that counts, which is number 0 wherever it stands; null where there is none. Throws when its text
 * cannot be read: to go on without it would lose a part of the page.
 */
export function firstChoice({ choices }: z.infer<typeof chatAnswer>): SaidChoice | null {
  const raw = choices?.find((choice) => indexOf(choice) === 0)
  if (raw === undefined) return null
  const choice = chatChoice.parse(raw)
  const { content, reasoning, reasoning_content: older } = choice.delta ?? choice.message ?? {}
  return {
    content: content ?? '',
    reasoning: reasoning ?? older ?? '',
    finishReason: choice.finish_reason ?? null,
    logprobs: choice.logprobs == null ? [] : textLogprobs(choice, (content ?? '') || (reasoning ?? older ?? '')),
  }
}

/** A choice without a number is the only one. */
function indexOf(choice: unknown): unknown {
  return typeof choice === 'object' && choice !== null && 'index' in choice ? (choice.index ?? 0) : 0
}

/**
 * Returns the log probabilities of the tokens that a choice's text is made of, NaN for one that has none. With `stop`,
 * the list also holds the end token, whose text is not in the content; it is left out. A token without text may be the
 * first half of a letter.
 */
function textLogprobs({ finish_reason: reason, logprobs }: ChatChoice, text: string): number[] {
  const content = logprobs?.content ?? []
  const last = content.at(-1)?.token ?? ''
  const hasEndToken = reason === 'stop' && !text.endsWith(last)
  return (hasEndToken ? content.slice(0, -1) : content).map(({ logprob }) => logprob)
}

/** An error as an engine reports it. */
export interface WireError {
  /** Empty when it says none that can be told from other text. */
  readonly message: string
  readonly type: string | null
  /** vLLM's is the HTTP status, also inside a stream that began with 200. */
  readonly code: number | null
}

/**
 * Reads an error out of a parsed body or stream event; null when there is none. vLLM's own is `{"error": {…}}`; its 401
 * and its 503 while scaling carry a bare string, an unknown path has `{"detail": …}`, and releases before 0.10 have
 * `{"object": "error", "message": …}`. An `error` that is null or false is none.
 */
export function readWireError(body: unknown): WireError | null {
  if (typeof body !== 'object' || body === null) return null
  // Nearly every event is no error.
  if ('error' in body && body.error !== null && body.error !== false) return wireError(body.error)
  if ('object' in body && body.object === 'error') return wireError(body)
  return 'detail' in body && !('choices' in body) ? wireError(body.detail) : null
}

function wireError(error: unknown): WireError {
  if (typeof error === 'string') return { message: error, type: null, code: null }
  const said = typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : {}
  const { message, msg, type, code } = said
  const number = typeof code === 'number' || typeof code === 'string' ? Number(code || NaN) : NaN
  return {
    message: [message, msg].find((text) => typeof text === 'string') ?? '',
    type: typeof type === 'string' ? type : null,
    code: Number.isInteger(number) ? number : null,
  }
}
