import type { IncomingMessage, ServerResponse } from 'node:http'
import { toDeltas } from './fake-vllm-answer.ts'

const TEXT = Array.from(
  { length: 20 },
  (_, line) => `Line ${line}: the same words on every page, so that only the way there is measured.`,
).join('\n')

/** Answers to a chat, made beforehand. */
interface InstantAnswers {
  readonly stream: Buffer
  /** The stream, event by event. */
  readonly events: readonly Buffer[]
  readonly whole: Buffer
}

const cache = new Map<string, InstantAnswers>()

/** Answers a chat with bytes made beforehand, as soon as its body has arrived. The body is not looked into. */
export async function instantAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  modelId: string,
): Promise<void> {
  const streamed = await readsStream(request)
  const { stream, whole } = instantAnswers(modelId)
  response.writeHead(200, { 'content-type': streamed ? 'text/event-stream; charset=utf-8' : 'application/json' })
  response.end(streamed ? stream : whole)
}

/** Reads a chat to its end, and says whether its answer is to be streamed. */
export async function readsStream(request: IncomingMessage): Promise<boolean> {
  // Both spellings of JSON; the flag stands outside the image, near the body's end or its start.
  const edges: Buffer[] = []
  for await (const read of request as AsyncIterable<Buffer>) {
    if (edges.length < 2) edges.push(read)
    else edges[1] = Buffer.concat([edges[1] ?? Buffer.alloc(0), read]).subarray(-4096)
  }
  return edges.some((edge) => /"stream":\s*true/.test(edge.toString('latin1')))
}

/** Returns the answers of a model. */
export function instantAnswers(modelId: string): InstantAnswers {
  const answers = cache.get(modelId) ?? makeAnswers(modelId)
  cache.set(modelId, answers)
  return answers
}

function makeAnswers(model: string): InstantAnswers {
  const deltas = toDeltas(TEXT)
  const base = { id: 'chatcmpl-instant', created: 1_760_000_000, model }
  const usage = { prompt_tokens: 2157, completion_tokens: deltas.length + 1, total_tokens: 2158 + deltas.length }
  const chunk = (delta: unknown, finishReason: string | null) => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  })
  const chunks = [
    chunk({ role: 'assistant', content: '' }, null),
    ...deltas.map((content, index) => chunk({ content }, index === deltas.length - 1 ? 'stop' : null)),
    { ...base, object: 'chat.completion.chunk', choices: [], usage },
  ]
  const events = [...chunks.map((event) => JSON.stringify(event)), '[DONE]'].map((data) => `data: ${data}\n\n`)
  const message = { role: 'assistant', content: TEXT }
  const whole = { ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
  return {
    stream: Buffer.from(events.join('')),
    events: events.map((event) => Buffer.from(event)),
    whole: Buffer.from(JSON.stringify(whole)),
  }
}
