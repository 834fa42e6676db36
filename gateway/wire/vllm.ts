import { z } from 'zod'

// Loose on purpose: an unknown or missing field in an engine's answer must not cost a page. Shapes after
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/engine/protocol.py (ModelCard, ErrorInfo) and
// https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/chat_completion/serving.py (the stream).

/** The longest contexts have ten million tokens. What is no count says nothing. */
const MAX_TOKENS = 1e8

const tokens = z.number().int().nonnegative().max(MAX_TOKENS).catch(0)

/** A name is a line, or a path. What is longer is none. */
const name = z.string().min(1).max(1000)

/** One entry of `GET /v1/models`. A LoRA adapter's card has a `parent` and no `max_model_len`. */
export const modelCard = z.object({
  id: name,
  created: z.number().int().nonnegative().nullish().catch(null),
  owned_by: name.nullish().catch(null),
  root: name.nullish().catch(null),
  parent: name.nullish().catch(null),
  max_model_len: z.number().int().positive().max(MAX_TOKENS).nullish().catch(null),
})

export type ModelCard = z.infer<typeof modelCard>

/** Reads the answer of `GET /v1/models`, its entries as they are: one that is wrong costs no other. */
export const modelList = z.object({ data: z.array(z.unknown()) })

/** Reads the answer of `GET /version`. */
export const versionBody = z.object({ version: z.string().max(100) })

/** Reads the answer of `GET /is_sleeping`. */
export const sleepBody = z.object({ is_sleeping: z.boolean() })

/** A reason is one word. Whatever else stands in its place is not repeated. */
const REASON = /^[a-z_]{1,32}$/i

const usageOfAnswer = z.object({ prompt_tokens: tokens, completion_tokens: tokens })

/** What is said of the tokens of an answer. */
export type WireUsage = z.infer<typeof usageOfAnswer>

/** One event of a chat completion's stream, or a whole completion: both have the same shape. */
export interface ChatAnswer {
  readonly choices: readonly unknown[]
  /** Null where it says nothing of the tokens, or nothing that can be read. */
  readonly usage: WireUsage | null
}

/**
 * Reads a parsed event; what is no object says nothing. Ended by itself, a stream has its `finish_reason` on a chunk without text; usage
 * comes afterwards, on a chunk without choices; a failure after the first byte is an `error` where the chunk would be.
 *
 * Read by hand, as hundreds of events come for each page: only usage, which comes once, has a schema.
 */
export function readChatAnswer(event: unknown): ChatAnswer {
  const { choices, usage } = isObject(event) ? event : {}
  return {
    choices: Array.isArray(choices) ? choices : [],
    usage: usage == null ? null : (usageOfAnswer.safeParse(usage).data ?? null),
  }
}

/** What the choice that counts has said. */
export interface SaidChoice {
  readonly content: string
  /** What the server's reasoning parser took for thoughts. */
  readonly reasoning: string
  readonly finishReason: string | null
  readonly logprobs: readonly number[]
  /** How many characters each of these tokens has. */
  readonly tokenLengths: readonly number[]
}

/**
 * Returns the choice that counts, which is number 0 wherever it stands; null where there is none. Throws when its text
 * cannot be read: to go on without it would lose a part of the page.
 *
 * Read by hand: a schema makes an error of some kilobytes for each of the hundred thousand entries that a list in one
 * event may have.
 */
export function firstChoice({ choices }: Pick<ChatAnswer, 'choices'>): SaidChoice | null {
  const choice = choices.find((entry) => indexOf(entry) === 0)
  if (choice === undefined) return null
  if (!isObject(choice)) throw new TypeError('a choice is no object')
  const said = saidIn(choice['delta'], choice['message'])
  const content = textOf(said['content'])
  // vLLM says `reasoning` since 0.11, `reasoning_content` before; other servers still do.
  const reasoning = stringIn(said['reasoning']) ?? stringIn(said['reasoning_content']) ?? ''
  const finishReason = reasonIn(choice['finish_reason'])
  const ofTokens = isObject(choice['logprobs']) ? choice['logprobs']['content'] : null
  const tokens = Array.isArray(ofTokens) ? textTokens(ofTokens, finishReason, content || reasoning) : []
  return { content, reasoning, finishReason, logprobs: tokens.map(logprobOf), tokenLengths: tokens.map(lengthOf) }
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const stringIn = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A choice without a number is the only one. */
function indexOf(choice: unknown): unknown {
  return typeof choice === 'object' && choice !== null && 'index' in choice ? (choice.index ?? 0) : 0
}

/** Returns what a choice says: in a stream a `delta`, else a `message`. */
function saidIn(delta: unknown, message: unknown): JsonObject {
  const said = delta ?? message ?? {}
  if (!isObject(said) || !(message == null || isObject(message))) throw new TypeError('what was said is no object')
  return said
}

/** vLLM sends strings; some servers send OpenAI's list of text parts. */
function textOf(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw new TypeError('the content is no text')
  let text = ''
  for (const part of content as readonly unknown[]) {
    if (!isObject(part) || typeof part['text'] !== 'string') throw new TypeError('a part of the content is no text')
    text += part['text']
  }
  return text
}

function reasonIn(reason: unknown): string | null {
  if (typeof reason !== 'string') return null
  return REASON.test(reason) ? reason : 'other'
}

/**
 * Returns the tokens that a choice's text is made of. With `stop`, the list also holds the end token, whose text is not in
 * the content; it is left out. A token without text may be the first half of a letter.
 */
function textTokens(tokens: readonly unknown[], reason: string | null, text: string): readonly unknown[] {
  const last = tokens.at(-1)
  const hasEndToken = reason === 'stop' && !text.endsWith((isObject(last) ? stringIn(last['token']) : null) ?? '')
  return hasEndToken ? tokens.slice(0, -1) : tokens
}

/** NaN for one that has none: vLLM leaves `logprob` out of a token whose probability it does not know. */
function logprobOf(token: unknown): number {
  const logprob = isObject(token) ? token['logprob'] : null
  return typeof logprob === 'number' && Number.isFinite(logprob) ? logprob : NaN
}

const lengthOf = (token: unknown): number => (isObject(token) ? (stringIn(token['token'])?.length ?? 0) : 0)

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
