import { GatewayError } from '../../errors.ts'
import { startTimeLimit } from '../../schedule/time-limit.ts'

/** How long an engine may be silent. Its whole time is the caller's to limit. */
export interface AnswerLimits {
  /** From the request to the first sign of the answer; holds the engine's own queue and its reading of the image. */
  readonly firstTokenTimeoutSeconds: number
  /** Between one piece of the stream and the next. */
  readonly idleTimeoutSeconds: number
}

/** A signal that follows the caller's and also fires, with `engine_timeout`, when an engine is silent for too long. */
export interface AnswerTimer extends Disposable {
  readonly signal: AbortSignal
  /** Whether the engine has said anything yet. */
  readonly hasHeard: boolean
  /** Ends the wait. */
  abort(reason: unknown): void
  /** Says that the engine has said something. */
  heard(): void
}

/** Starts timing an answer. Disposing stops the clock and aborts what still listens to the signal. */
export function startAnswerTimer(limits: AnswerLimits, signal: AbortSignal): AnswerTimer {
  const { firstTokenTimeoutSeconds, idleTimeoutSeconds } = limits
  const end = new AbortController()
  const silence = startTimeLimit(
    firstTokenTimeoutSeconds * 1000,
    () => tooSilent('said nothing about this page', firstTokenTimeoutSeconds),
    AbortSignal.any([signal, end.signal]),
  )
  const stopped = () => tooSilent('stopped in the middle of this page: it said nothing more', idleTimeoutSeconds)
  let hasHeard = false
  return {
    signal: silence.signal,
    get hasHeard() {
      return hasHeard
    },
    abort: (reason) => end.abort(reason),
    heard() {
      hasHeard = true
      silence.restart(idleTimeoutSeconds * 1000, stopped)
    },
    [Symbol.dispose]() {
      silence[Symbol.dispose]()
      end.abort(new DOMException('Nobody waits for this answer any more.', 'AbortError'))
    },
  }
}

function tooSilent(what: string, seconds: number): GatewayError {
  return new GatewayError('engine_timeout', `The OCR engine ${what} within ${seconds} seconds. Try again.`)
}
