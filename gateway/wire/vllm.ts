import { z } from 'zod'

// Loose on purpose: an unknown or missing field in an engine's answer must not cost a page. Shapes after
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/engine/protocol.py (ModelCard, ErrorInfo) and
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/chat_completion/serving.py (the stream).

const tokens = z.number().catch(0)

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

const errorBody = z.object({
  error: z.union([
    z.string(),
    z.object({
      message: z.string().catch(''),
      type: z.string().nullish().catch(null),
      param: z.string().nullish().catch(null),
      code: z.union([z.number(), z.string()]).nullish().catch(null),
    }),
  ]),
})

/** vLLM leaves `logprob` out of a token whose probability it does not know. */
const tokenLogprob = z
  .object({ token: z.string().catch(''), logprob: z.number().catch(NaN) })
  .catch({ token: '', logprob: NaN })

const chatChoice = z.object({
  delta: z.object({ content: z.string().nullish() }).nullish(),
  finish_reason: z.string().nullish(),
  logprobs: z
    .object({ content: z.array(tokenLogprob).nullish().catch(null) })
    .nullish()
    .catch(null),
})

/**
 * Reads one event of a chat completion's stream. The last text comes on the chunk that holds `finish_reason`; usage
 * comes afterwards, on a chunk without choices; a failure after the first byte is an `error` where the chunk would be.
 */
export const chatChunk = z.object({
  choices: z.array(chatChoice).default([]),
  usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }).nullish(),
})

/**
 * Returns the log probabilities of the tokens that a choice's text is made of, NaN for one that has none. With `stop`,
 * the list also holds the end token, whose text is not in the content; it is left out. A token without text may be the
 * first half of a letter.
 */
export function textLogprobs({ delta, finish_reason: reason, logprobs }: z.infer<typeof chatChoice>): number[] {
  const content = logprobs?.content ?? []
  const last = content.at(-1)?.token ?? ''
  const hasEndToken = reason === 'stop' && !(delta?.content ?? '').endsWith(last)
  return (hasEndToken ? content.slice(0, -1) : content).map(({ logprob }) => logprob)
}

/** An error as an engine reports it. */
export interface WireError {
  readonly message: string
  readonly type: string | null
  /** vLLM's is the HTTP status, also inside a stream that began with 200. */
  readonly code: number | null
}

/**
 * Reads an error out of a parsed body or stream event; null when there is none. vLLM's 401 and its 503 while scaling
 * carry a bare string, everything else an object.
 */
export function readWireError(body: unknown): WireError | null {
  // Nearly every event is no error, and this check is faster than the schema.
  if (typeof body !== 'object' || body === null || !('error' in body)) return null
  const { success, data } = errorBody.safeParse(body)
  if (!success) return null
  if (typeof data.error === 'string') return { message: data.error, type: null, code: null }
  const { message, type, code } = data.error
  const number = Number(code ?? NaN)
  return { message, type: type ?? null, code: Number.isInteger(number) ? number : null }
}
