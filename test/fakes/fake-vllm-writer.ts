import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { generate, toDeltas } from './fake-vllm-answer.ts'
import type { ChatBody, Generation, ScriptedAnswer } from './fake-vllm-answer.ts'
import type { FakeEngine, Gate } from './fake-vllm-gates.ts'
import type { FakeModel } from './fake-vllm-models.ts'

/** What the writer must know of the request that it answers. */
export interface AnswerContext {
  readonly body: ChatBody
  readonly promptTokens: number
  readonly model: FakeModel
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
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.flushHeaders()
  const base = {
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: context.model.id,
  }
  const send = (event: unknown) =>
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  const chunk = (delta: Record<string, string>, finishReason: string | null = null, logprobs: unknown = null) =>
    send({ ...base, choices: [{ index: 0, delta, logprobs, finish_reason: finishReason }] })

  const isAborted = await writeDeltas(chunk, generation, answer, context)
  const ending = isAborted ? 'finish' : (answer.ending ?? 'finish')
  await end(response, ending, () => {
    if (ending === 'error') send({ error: { param: null, ...(answer.streamError ?? STREAM_ERROR) } })
    else if (context.body.stream_options?.include_usage === true)
      send({ ...base, choices: [], usage: usage(generation) })
    send('[DONE]')
  })
}

/**
 * What vLLM says of a delta's token (`_create_chat_logprobs` in vllm/entrypoints/openai/chat_completion/serving.py):
 * nothing below -9999, no `logprob` where it knows none, and the end-of-text token beside the last one.
 */
function logprobsOf(
  scripted: ScriptedAnswer['logprobs'],
  body: ChatBody,
  index: number,
  text: string,
  reason: string | null,
) {
  // `top_logprobs` is 0 unless said otherwise; with null there is nothing at all.
  if (body.logprobs !== true || body.top_logprobs === null) return null
  const entry = (token: string, logprob: number | null) => ({
    token,
    ...(logprob === null ? {} : { logprob: Math.max(logprob, -9999) }),
    bytes: [...Buffer.from(token)],
    top_logprobs: [],
  })
  const logprob = scripted?.[index]
  const content = [entry(text, logprob === undefined ? -0.01 : logprob)]
  return { content: reason === 'stop' ? [...content, entry('<|im_end|>', 0)] : content }
}

/** Writes what is generated; returns whether the engine was put to sleep before its end, which is an end as well. */
async function writeDeltas(
  chunk: (delta: Record<string, string>, finishReason?: string | null, logprobs?: unknown) => void,
  { deltas, finishReason }: Generation,
  { firstDelayMs, delayMs, logprobs, ending = 'finish' }: ScriptedAnswer,
  context: AnswerContext,
): Promise<boolean> {
  const asleep = await context.engine.admit(context.signal)
  await generating(firstDelayMs, context, asleep)
  // The role comes with the first token, not before it.
  chunk({ role: 'assistant', content: '' })
  const finishes = ending === 'finish' || ending === 'break-after-finish'
  for (const [index, text] of deltas.entries()) {
    if (index > 0) await generating(delayMs, context, asleep)
    if (asleep.aborted) break
    // The last token and the finish reason come on one chunk.
    const isLast = index === deltas.length - 1
    const reason = finishes && isLast ? finishReason : null
    chunk({ content: text }, reason, logprobsOf(logprobs, context.body, index, text, reason))
    if (isLast) return false
  }
  if (asleep.aborted) chunk({ content: '' }, 'abort')
  else if (finishes) chunk({ content: '' }, finishReason)
  return asleep.aborted
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
  const body = {
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: context.model.id,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: generation.deltas.join(''), tool_calls: [] },
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
      },
    ],
    usage: usage(generation),
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/**
 * Answers `/v1/completions` from its prompt alone. vLLM ignores every field that it does not know, an `image` among
 * them, and 16 invented tokens come back with status 200.
 */
export function writeCompletion(response: ServerResponse, body: ChatBody, model: FakeModel): void {
  const text = toDeltas(
    ` and this continues ${JSON.stringify(body.prompt ?? '')} without having seen any image at all, because none was looked at`,
  )
    .slice(0, body.max_tokens ?? 16)
    .join('')
  const choice = { index: 0, text, logprobs: null, finish_reason: 'length', stop_reason: null }
  const answer = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: model.id,
    choices: [choice],
  }
  if (body.stream === true) {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.end(`data: ${JSON.stringify(answer)}\n\ndata: [DONE]\n\n`)
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ ...answer, usage: { prompt_tokens: 4, completion_tokens: 16, total_tokens: 20 } }))
}

function usage({ promptTokens, deltas }: Generation) {
  // The end-of-text token is counted, and not sent.
  const completionTokens = deltas.length + 1
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
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
