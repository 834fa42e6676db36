import { GatewayError } from '../../errors.ts'

/** How long an engine may take. Unset: no such limit. */
export interface AnswerLimits {
  /** From the request to the first piece of text; holds the engine's own queue and its reading of the image. */
  readonly firstTokenTimeoutSeconds?: number | undefined
  /** Between one piece of the stream and the next. */
  readonly idleTimeoutSeconds: number
  /** From the request to the end of the answer. */
  readonly totalTimeoutSeconds: number
}

/** A signal that follows the caller's and also fires, with `engine_timeout`, when an engine takes too long. */
export interface AnswerTimer extends Disposable {
  readonly signal: AbortSignal
  /** Whether the engine has said anything yet. */
  readonly hasHeard: boolean
  /** Ends the wait. */
  abort(reason: unknown): void
  /** Says that the engine has said something, and stops the clocks: from now on it is the reader who takes time. */
  pause(): void
  /** Says that the engine is waited for again. */
  resume(): void
}

/**
 * Starts timing an answer. Only time spent waiting for the engine counts: pages leave in order, so a fast page may be
 * read long after it was written. Disposing stops the clocks and aborts what still listens to the signal.
 */
export function startAnswerTimer(limits: AnswerLimits, signal: AbortSignal): AnswerTimer {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })

  const clock = (seconds: number | undefined, what: string) =>
    startClock(seconds, (limit) => {
      const message = `The OCR engine ${what} within ${limit} seconds. Try again.`
      controller.abort(new GatewayError('engine_timeout', message))
    })
  const total = clock(limits.totalTimeoutSeconds, 'did not finish this page')
  let silence = clock(limits.firstTokenTimeoutSeconds, 'said nothing about this page')

  let hasHeard = false
  return {
    signal: controller.signal,
    get hasHeard() {
      return hasHeard
    },
    abort: (reason) => controller.abort(reason),
    pause() {
      hasHeard = true
      silence.stop()
      total.stop()
    },
    resume() {
      silence = clock(limits.idleTimeoutSeconds, 'stopped in the middle of this page: it said nothing more')
      total.start()
    },
    [Symbol.dispose]() {
      silence.stop()
      total.stop()
      signal.removeEventListener('abort', onAbort)
      controller.abort(new DOMException('Nobody waits for this answer any more.', 'AbortError'))
    },
  }
}

/** Starts a clock that can be stopped and started again, and calls `onLimit` once it has run for so many seconds. */
function startClock(seconds: number | undefined, onLimit: (seconds: number) => void) {
  if (seconds === undefined) return { start() {}, stop() {} }
  let milliseconds = seconds * 1000
  let started = 0
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    started = performance.now()
    timer = setTimeout(() => onLimit(seconds), milliseconds)
  }
  const stop = () => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    milliseconds = Math.max(0, milliseconds - (performance.now() - started))
  }
  start()
  return { start, stop }
}
