import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { generate, toDeltas } from './fake-vllm-answer.ts'
import type { ChatBody, Generation, ScriptedAnswer } from './fake-vllm-answer.ts'
import { httpError } from './fake-vllm-errors.ts'
import type { FakeEngine, Gate } from './fake-vllm-gates.ts'
import type { FakeModel } from './fake-vllm-models.ts'

/** What the writer must know of the request that it answers. */
export interface AnswerContext {
  readonly body: ChatBody
  readonly promptTokens: number
  readonly model: FakeModel
  /** What the client called the request; null: nothing. */
  readonly requestId: string | null
  readonly version: string
  /** Fires when the client leaves: the generation ends with it. */
  readonly signal: AbortSignal
  /** Shut while the server hangs: nothing is written then. */
  readonly server: Gate
  readonly engine: FakeEngine
}

const STREAM_ERROR = {
  message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
  type: 'InternalServerError',
  code: 500,
}

/** Writes a scripted answer to a chat, streamed or whole as the request asked. */
export async function writeChatAnswer(
  response: ServerResponse,
  answer: ScriptedAnswer,
  context: AnswerContext,
): Promise<void> {
  if (answer.refuse === true) response.destroy()
  if (answer.refuse === true || answer.silent === true) return
  if (answer.failure !== undefined) {
    const { status, body, headers } = answer.failure
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
    return
  }
  const generation = generate(answer, context.body, context.promptTokens, context.model)
  try {
    if (context.body.stream === true) await writeStream(response, answer, generation, context)
    else await writeWhole(response, answer, generation, context)
  } catch (error) {
    if (!context.signal.aborted) throw error
  }
}

async function writeStream(
  response: ServerResponse,
  answer: ScriptedAnswer,
  generation: Generation,
  context: AnswerContext,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.flushHeaders()
  const { include_usage: saysUsage = false, continuous_usage_stats: isContinuous = false } =
    context.body.stream_options ?? {}
  const base = { ...baseOf(context), object: 'chat.completion.chunk' }
  const { id, created, model, object } = base
  const send = (event: unknown) =>
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  let sent = 0
  const progress = () =>
    isContinuous ? { usage: { ...usage(generation, sent), completion_tokens_details: null } } : {}
  const fingerprint = { system_fingerprint: fingerprintOf(context) }
  const chunk: WriteChunk = (delta, reason, logprobs = null) => {
    const isFirst = 'role' in delta
    if (!isFirst && reason !== 'abort') sent += 1
    const choice = {
      index: 0,
      delta,
      logprobs,
      finish_reason: reason,
      ...(reason === null ? {} : { stop_reason: reason === 'repetition' ? 'repetition_detected' : null }),
      ...(isFirst ? {} : { token_ids: null }),
    }
    send({
      id,
      object,
      created,
      model,
      choices: [choice],
      ...progress(),
      ...(isFirst ? { prompt_token_ids: null, prompt_text: null } : {}),
      ...(reason === null || saysUsage ? {} : fingerprint),
    })
  }

  const isAborted = await writeDeltas(chunk, generation, answer, context)
  const ending = isAborted ? 'finish' : (answer.ending ?? 'finish')
  await end(response, ending, () => {
    if (ending === 'error') {
      const { message, type, code } = answer.streamError ?? STREAM_ERROR
      send(pythonJson({ error: { message, type, param: null, code } }))
    } else if (saysUsage)
      send({ id, object, created, model, choices: [], usage: usage(generation, sent), ...fingerprint })
    send('[DONE]')
  })
}

/** `reason` is null on every chunk but the last. */
type WriteChunk = (delta: Readonly<Record<string, string>>, reason: string | null, logprobs?: unknown) => void

const baseOf = ({ requestId, model }: AnswerContext) => ({
  id: `chatcmpl-${requestId ?? randomUUID().replaceAll('-', '').slice(0, 16)}`,
  created: Math.floor(Date.now() / 1000),
  model: model.id,
})

const fingerprintOf = ({ version }: AnswerContext): string => `vllm-${version}-0fa4e000`

/** Writes JSON as Python does, with a space after colons and commas: vLLM writes its error events so. */
function pythonJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`)
    .join(', ')}}`
}

/**
 * What vLLM says of a token (`_create_chat_logprobs` in vllm/entrypoints/openai/chat_completion/serving.py): nothing below
 * -9999, and no `logprob` where it knows none.
 */
function logprobsOf(scripted: ScriptedAnswer['logprobs'], body: ChatBody, index: number, token: string) {
  // `top_logprobs` is 0 unless said otherwise; with null there is nothing at all.
  if (body.logprobs !== true || body.top_logprobs === null) return null
  const logprob = scripted?.[index] === undefined ? (token === END_TOKEN ? 0 : -0.01) : scripted[index]
  const content = {
    token,
    ...(logprob === null ? {} : { logprob: Math.max(logprob, -9999) }),
    bytes: [...Buffer.from(token)],
    top_logprobs: [],
  }
  return { content: [content] }
}

const END_TOKEN = '<|im_end|>'

/** The ends that come with a token of the text; any other comes on a chunk of its own. */
const ON_LAST_TOKEN = ['length', 'repetition']

/** Writes what is generated; returns whether the engine was put to sleep before its end, which is an end as well. */
async function writeDeltas(
  chunk: WriteChunk,
  { deltas, finishReason }: Generation,
  { firstDelayMs, delayMs, logprobs, ending = 'finish' }: ScriptedAnswer,
  context: AnswerContext,
): Promise<boolean> {
  const asleep = await context.engine.admit(context.signal)
  await generating(firstDelayMs, context, asleep)
  // The role comes with the first token, not before it.
  chunk({ role: 'assistant', content: '' }, null)
  const finishes = ending === 'finish' || ending === 'break-after-finish'
  for (const [index, text] of deltas.entries()) {
    if (index > 0) await generating(delayMs, context, asleep)
    if (asleep.aborted) {
      // Before the first token there is no finish reason at all.
      if (index > 0) chunk({ content: '' }, 'abort')
      return true
    }
    const isEnd = finishes && index === deltas.length - 1 && ON_LAST_TOKEN.includes(finishReason)
    chunk({ content: text }, isEnd ? finishReason : null, logprobsOf(logprobs, context.body, index, text))
    if (isEnd) return false
  }
  if (finishes) chunk({ content: '' }, finishReason, logprobsOf(logprobs, context.body, deltas.length, END_TOKEN))
  return false
}

async function end(response: ServerResponse, ending: NonNullable<ScriptedAnswer['ending']>, sendRest: () => void) {
  switch (ending) {
    case 'hang':
      return
    case 'end':
      response.end()
      return
    case 'break':
    case 'break-after-finish':
      // Once what was said has left, so that it is the break that is tested and not a lost write.
      await new Promise((resolve) => response.write(': \n\n', resolve))
      response.destroy()
      return
    default:
      sendRest()
      // Uvicorn writes the end of a body by itself.
      await nextTurn()
      response.end()
  }
}

async function writeWhole(
  response: ServerResponse,
  answer: ScriptedAnswer,
  generation: Generation,
  context: AnswerContext,
) {
  const pauses = (answer.firstDelayMs ?? 0) + (answer.delayMs ?? 0) * Math.max(0, generation.deltas.length - 1)
  const asleep = await context.engine.admit(context.signal)
  await generating(pauses, context, asleep)
  const finishReason = asleep.aborted ? 'abort' : generation.finishReason
  if (answer.ending === 'break' || answer.ending === 'end') response.destroy()
  if (answer.ending === 'hang' || response.destroyed) return
  if (answer.ending === 'error') {
    const { message, type, code } = answer.streamError ?? STREAM_ERROR
    throw httpError(code, type, message, null)
  }
  const { id, created, model } = baseOf(context)
  const message = { role: 'assistant', content: asleep.aborted ? '' : generation.deltas.join('') }
  const body = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { ...message, refusal: null, annotations: null, audio: null, function_call: null, reasoning: null },
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
        token_ids: null,
        routed_experts: null,
      },
    ],
    service_tier: null,
    system_fingerprint: fingerprintOf(context),
    usage: {
      ...usage(generation, asleep.aborted ? 0 : countTokens(generation)),
      prompt_tokens_details: null,
      completion_tokens_details: null,
    },
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/**
 * Answers `/v1/completions` from its prompt alone. vLLM ignores every field that it does not know, an `image` among
 * them, and 16 invented tokens come back with status 200.
 */
export function writeCompletion(
  response: ServerResponse,
  body: ChatBody,
  model: FakeModel,
  context: Pick<AnswerContext, 'version'>,
): void {
  const text = toDeltas(
    ` and this continues ${JSON.stringify(body.prompt ?? '')} without having seen any image at all, because none was looked at`,
  )
    .slice(0, body.max_tokens ?? 16)
    .join('')
  const base = {
    id: `cmpl-${randomUUID().replaceAll('-', '').slice(0, 16)}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: model.id,
  }
  const choice = { index: 0, text, logprobs: null, finish_reason: 'length', stop_reason: null }
  const fingerprint = `vllm-${context.version}-0fa4e000`
  if (body.stream === true) {
    const streamed = { ...choice, prompt_token_ids: null, token_ids: null }
    const event = JSON.stringify({ ...base, choices: [streamed], system_fingerprint: fingerprint })
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.end(`data: ${event}\n\ndata: [DONE]\n\n`)
    return
  }
  const details = { token_ids: null, prompt_logprobs: null, prompt_token_ids: null, routed_experts: null }
  const whole = {
    ...base,
    choices: [{ ...choice, ...details }],
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: {
      prompt_tokens: 4,
      total_tokens: 20,
      completion_tokens: 16,
      prompt_tokens_details: null,
      completion_tokens_details: null,
    },
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole))
}

function usage({ promptTokens }: Generation, completionTokens: number) {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
  }
}

/** The end-of-text token is counted, and not sent. */
function countTokens({ deltas, finishReason }: Generation): number {
  return deltas.length + (ON_LAST_TOKEN.includes(finishReason) ? 0 : 1)
}

/** Takes the time of a token, or until the engine is put to sleep; longer while the server hangs. */
async function generating(
  milliseconds: number | undefined,
  { server, signal }: AnswerContext,
  asleep: AbortSignal,
): Promise<void> {
  if (milliseconds !== undefined && milliseconds > 0 && !asleep.aborted) {
    const cut = AbortSignal.any([signal, asleep])
    await delay(milliseconds, undefined, { signal: cut }).catch(() => signal.throwIfAborted())
  }
  if (!server.isOpen) await server.pass(signal)
}
