import { GatewayError } from '../../errors.ts'
import { chatChunk, readWireError, textLogprobs } from '../../wire/vllm.ts'
import { startAnswerTimer } from './answer-timer.ts'
import type { AnswerLimits, AnswerTimer } from './answer-timer.ts'
import { createConfidenceMeter } from '../confidence.ts'
import type { EndDelta, Engine, TextDelta, Usage } from '../engine.ts'
import { droppedImage } from './dropped-image.ts'
import { decodeEventStream } from './event-stream-decoder.ts'
import { pageRequest } from './page-request.ts'
import type { UpstreamLease } from '../../upstream/lease.ts'
import type { UpstreamResponse } from '../../upstream/connection.ts'
import { eventFailure, responseFailure } from '../../upstream/failure.ts'
import type { Upstreams } from '../../upstream/upstreams.ts'

/** The upstreams, the limits and the observers of the engine. */
export interface VllmEngineOptions extends AnswerLimits {
  readonly upstreams: Pick<Upstreams, 'acquire'>
  /** Called with how long a drawn page has waited for an upstream. */
  readonly onWaited?: (seconds: number) => void
  /** Called with the time from the request to an upstream to the first text of its answer. */
  readonly onFirstToken?: (seconds: number) => void
}

/**
 * Creates the engine that asks vLLM: one page, one request, one image, always streamed. It makes one attempt; the error
 * says whether a retry is worth it.
 */
export function createVllmEngine(options: VllmEngineOptions): Engine {
  return async function* vllmEngine(prompt, signal) {
    signal.throwIfAborted()
    const request = pageRequest(prompt)
    const { question, turn, attempt } = prompt
    const askedAt = performance.now()
    using lease = await options.upstreams.acquire({ modelId: question.model.id, turn, tried: attempt.tried }, signal)
    options.onWaited?.((performance.now() - askedAt) / 1000)
    attempt.tried.add(lease.url)
    using timer = startAnswerTimer(options, signal)
    using _ = leaveWhenLost(lease, timer)
    try {
      const sentAt = performance.now()
      const response = await lease.send(request, timer.signal)
      if (response.status !== 200) throw await responseFailure(lease.url, response)
      const end = yield* readAnswer(lease, response, timer, () =>
        options.onFirstToken?.((performance.now() - sentAt) / 1000),
      )
      const dropped = droppedImage(lease.url, prompt, end.usage)
      if (dropped !== null) throw dropped
      lease.ended(end.finishReason === 'abort' ? 'failed' : 'answered')
      // Released before the last delta is read: the upstream is free for the next page.
      lease.release()
      yield { type: 'end', ...end, confidence: question.confidence ? end.confidence : null, upstream: lease.url }
    } catch (error) {
      const thrown = reasonOf(error, timer)
      if (!signal.aborted && thrown instanceof GatewayError) lease.ended(thrown.retry ? 'failed' : 'refused')
      throw thrown
    }
  }
}

/**
 * Returns why an answer failed: the abort's reason, except for `engine_unavailable`, which says that no server is left.
 */
function reasonOf(error: unknown, { signal }: AnswerTimer): unknown {
  if (error instanceof GatewayError && error.code === 'engine_unavailable') return error
  return signal.aborted ? signal.reason : error
}

/** Ends the wait for an answer when its upstream is lost. An answer that has begun may still be finished. */
function leaveWhenLost({ lost }: UpstreamLease, timer: AnswerTimer): Disposable {
  const leave = () => {
    if (!timer.hasHeard) timer.abort(lost.reason)
  }
  lost.addEventListener('abort', leave, { once: true })
  return { [Symbol.dispose]: () => lost.removeEventListener('abort', leave) }
}

async function* readAnswer(
  lease: UpstreamLease,
  { body }: UpstreamResponse,
  timer: AnswerTimer,
  onFirstToken: () => void,
): AsyncGenerator<TextDelta, Omit<EndDelta, 'type'>, undefined> {
  const { url } = lease
  const meter = createConfidenceMeter()
  let hasText = false
  let finishReason: string | null = null
  let usage: Usage = { promptTokens: 0, completionTokens: 0 }
  try {
    // The loop does not destroy the body: after a whole answer the connection is kept for the next page.
    for await (const events of decodeEventStream(body.iterator({ destroyOnReturn: false }))) {
      const read = readEvents(url, events)
      finishReason = read.finishReason ?? finishReason
      usage = read.usage ?? usage
      for (const logprob of read.logprobs) meter.add(logprob)
      lease.heard()
      timer.heard()
      if (read.text === '') continue
      if (!hasText) onFirstToken()
      hasText = true
      yield { type: 'text', text: read.text }
    }
  } catch (error) {
    // The text is whole once the finish reason has come: a connection that fails after it does not matter.
    if (finishReason === null) throw error instanceof GatewayError ? error : brokenOff(url, error)
  }
  if (finishReason === null) throw brokenOff(url, undefined)
  // After `[DONE]` only the end of the body is left. The connection of a server that sends more is closed.
  body.dump({ limit: 1024, signal: AbortSignal.timeout(1000) }).catch(() => {})
  return { finishReason, usage, confidence: meter.read() }
}

/** How an answer ended, as far as the stream has told it. */
type Ending = Partial<Pick<EndDelta, 'finishReason' | 'usage'>>

/** What one read of the stream has brought. */
interface ReadEvents extends Ending {
  readonly text: string
  readonly logprobs: readonly number[]
}

/** Joins the events of one read: a burst of tokens becomes one delta. */
function readEvents(url: string, events: readonly unknown[]): ReadEvents {
  let text = ''
  const logprobs: number[] = []
  let ending: Ending = {}
  for (const event of events) {
    const error = readWireError(event)
    if (error !== null) throw eventFailure(url, error)
    const { success, data: chunk } = chatChunk.safeParse(event)
    if (!success) continue
    const [choice] = chunk.choices
    text += choice?.delta?.content ?? ''
    if (choice?.logprobs) logprobs.push(...textLogprobs(choice))
    const finishReason = choice?.finish_reason ?? null
    if (finishReason !== null) ending = { ...ending, finishReason }
    if (chunk.usage) {
      const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = chunk.usage
      ending = { ...ending, usage: { promptTokens, completionTokens } }
    }
  }
  return { text, logprobs, ...ending }
}

function brokenOff(url: string, cause: unknown): GatewayError {
  return new GatewayError('engine_error', 'The OCR engine broke off in the middle of this page. Try again.', {
    cause: new Error(`${url} broke off its answer`, { cause }),
  })
}
