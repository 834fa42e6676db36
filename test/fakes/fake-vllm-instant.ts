import type { IncomingMessage, ServerResponse } from 'node:http'
import { toDeltas } from './fake-vllm-answer.ts'

const TEXT = Array.from(
  { length: 20 },
  (_, line) => `Line ${line}: the same words on every page, so that only the way there is measured.`,
).join('\n')

const cache = new Map<string, { readonly streamed: Buffer; readonly whole: Buffer }>()

/** Answers a chat with bytes made beforehand, as soon as its body has arrived. The body is not looked into. */
export async function instantAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  modelId: string,
): Promise<void> {
  // Both spellings of JSON; the flag stands outside the image, near the body's end or its start.
  const edges: Buffer[] = []
  for await (const read of request as AsyncIterable<Buffer>) {
    if (edges.length < 2) edges.push(read)
    else edges[1] = Buffer.concat([edges[1] ?? Buffer.alloc(0), read]).subarray(-4096)
  }
  const streamed = edges.some((edge) => /"stream":\s*true/.test(edge.toString('latin1')))
  const answers = cache.get(modelId) ?? makeAnswers(modelId)
  cache.set(modelId, answers)
  response.writeHead(200, { 'content-type': streamed ? 'text/event-stream; charset=utf-8' : 'application/json' })
  response.end(streamed ? answers.streamed : answers.whole)
}

function makeAnswers(model: string) {
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
  return { streamed: Buffer.from(events.join('')), whole: Buffer.from(JSON.stringify(whole)) }
}
