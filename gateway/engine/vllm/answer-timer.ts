import { GatewayError } from '../../errors.ts'
import { startTimeLimit } from '../../schedule/time-limit.ts'

/** How long an engine may be silent. The caller limits the whole time of an answer. */
export interface AnswerLimits {
  /** From the request to the first event of the answer; includes the engine's own queue and its work on the image. */
  readonly firstTokenTimeoutSeconds: number
  /** Between two pieces of the stream. */
  readonly idleTimeoutSeconds: number
}

/** A signal that follows the caller's and also fires, with `engine_timeout`, when an engine is silent for too long. */
export interface AnswerTimer extends Disposable {
  readonly signal: AbortSignal
  /** Whether the engine has sent anything yet. */
  readonly hasHeard: boolean
  /** Ends the wait. */
  abort(reason: unknown): void
  /** Notes that the engine has sent something. */
  heard(): void
}

/** Starts timing an answer. Disposing stops the clock: what is left of its body is still read, so that its connection is kept. */
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
    [Symbol.dispose]: () => silence[Symbol.dispose](),
  }
}

function tooSilent(what: string, seconds: number): GatewayError {
  return new GatewayError('engine_timeout', `The OCR engine ${what} within ${seconds} seconds. Try again.`)
}
