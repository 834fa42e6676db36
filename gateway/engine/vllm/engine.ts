import { GatewayError } from '../../errors.ts'
import { startAnswerTimer } from './answer-timer.ts'
import type { AnswerLimits, AnswerTimer } from './answer-timer.ts'
import { GivenBack, type Engine, type Prompt } from '../engine.ts'
import { droppedImage } from './dropped-image.ts'
import { pageRequest } from './page-request.ts'
import { readAnswer } from './read-answer.ts'
import type { UpstreamLease } from '../../upstream/lease.ts'
import { afterOthers } from '../../schedule/loop-share.ts'
import { responseFailure } from '../../upstream/failure.ts'
import type { SpanAttributes } from '../../telemetry/span.ts'
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
  return async function vllmEngine(prompt, signal, onDelta) {
    const answer = await ask(prompt, options, signal, onDelta)
    // The next page leaves first: undici sends over a connection that it has used only when a turn of the event loop ends, and to look at
    // this answer takes as long as to hear ten others.
    await afterOthers()
    return answer
  }
}

/** Asks an upstream for a page, and gives its place back when all of the answer has come. */
async function ask(
  prompt: Prompt,
  options: VllmEngineOptions,
  signal: AbortSignal,
  onDelta: (delta: string) => void,
): ReturnType<Engine> {
  signal.throwIfAborted()
  const request = pageRequest(prompt)
  const { question, turn, attempt, onTaken } = prompt
  const askedAt = performance.now()
  const { tried, timesGivenBack } = attempt
  const claim = { modelId: question.model.id, turn, tried, timesGivenBack, onTaken }
  using lease = await options.upstreams.acquire(claim, signal)
  const waited = (performance.now() - askedAt) / 1000
  options.onWaited?.(waited)
  prompt.span?.set({ ...serverOf(lease.url), 'ocr.attempt.queue_seconds': waited })
  const wasTried = tried.has(lease.url)
  tried.add(lease.url)
  using timer = startAnswerTimer(options, signal)
  using _ = leaveEarly(lease, timer)
  try {
    const sentAt = performance.now()
    const response = await lease.send(request, timer.signal)
    if (response.status !== 200) throw await responseFailure(lease.url, response)
    const end = await readAnswer(response, {
      url: lease.url,
      maxTokens: question.model.profile.maxOutputTokens,
      thinks: question.model.profile.thinks === true,
      wantsPieces: asksForPieces(question),
      onDelta,
      onHeard(characters) {
        lease.heard(characters)
        timer.heard()
      },
      onFirstToken() {
        lease.begun()
        const seconds = (performance.now() - sentAt) / 1000
        options.onFirstToken?.(seconds)
        prompt.span?.set({ 'gen_ai.response.time_to_first_chunk': seconds })
      },
    })
    const dropped = droppedImage(lease.url, prompt, end.usage)
    if (dropped !== null) throw dropped
    lease.ended(end.finishReason === 'abort' ? 'aborted' : 'answered')
    return { ...end, confidence: question.confidence ? end.confidence : null, upstream: lease.url }
  } catch (error) {
    const thrown = reasonOf(error, timer)
    if (thrown instanceof GivenBack && !wasTried) tried.delete(lease.url)
    if (!signal.aborted && thrown instanceof GatewayError) {
      lease.ended(thrown.retry ? 'failed' : 'refused')
      if (thrown.kind === 'image_too_long') lease.imageRefused(tokensThatFit(prompt, thrown.tokenShare))
    }
    throw thrown
  }
}

/** Values are looked at one by one where the answer is JSON. */
function asksForPieces({ model, task, confidence }: Prompt['question']): boolean {
  return confidence && model.profile.tasks[task]?.json === true
}

function serverOf(url: string): SpanAttributes {
  const { hostname, port, protocol } = new URL(url)
  return { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) }
}

/** Returns how many tokens of a refused page image fit, in the profile's own count; without numbers, one fewer. */
function tokensThatFit({ question, image }: Prompt, tokenShare: number | null): number {
  const tokens = question.model.profile.imageTokens(image)
  return tokenShare === null ? tokens - 1 : Math.floor(tokens * tokenShare)
}

/**
 * Returns why an answer failed: the abort's reason, except for `engine_unavailable`, which says that no server is left.
 */
function reasonOf(error: unknown, { signal }: AnswerTimer): unknown {
  if (error instanceof GatewayError && error.code === 'engine_unavailable') return error
  return signal.aborted ? signal.reason : error
}

/**
 * Ends the wait for an answer when its upstream is lost; an answer that has begun may still be finished. Ends it, too, when its page is
 * to be given back.
 */
function leaveEarly({ lost, excess }: UpstreamLease, timer: AnswerTimer): Disposable {
  const leave = () => {
    if (!timer.hasHeard) timer.abort(lost.reason)
  }
  const giveBack = () => timer.abort(new GivenBack('its server has too many pages'))
  lost.addEventListener('abort', leave, { once: true })
  excess.addEventListener('abort', giveBack, { once: true })
  return {
    [Symbol.dispose]() {
      lost.removeEventListener('abort', leave)
      excess.removeEventListener('abort', giveBack)
    },
  }
}
