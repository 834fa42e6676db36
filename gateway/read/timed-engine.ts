import { GatewayError } from '../errors.ts'
import type { Engine } from '../engine/engine.ts'

/** Wraps an engine so that a page which takes longer than `seconds` ends with `engine_timeout`. */
export function timedEngine(engine: Engine, seconds: number): Engine {
  return async function* timed(prompt, signal) {
    const timer = new AbortController()
    const timeout = setTimeout(() => timer.abort(tooSlow(seconds)), seconds * 1000)
    try {
      yield* engine(prompt, AbortSignal.any([signal, timer.signal]))
    } finally {
      clearTimeout(timeout)
    }
  }
}

function tooSlow(seconds: number): GatewayError {
  return new GatewayError(
    'engine_timeout',
    `The engine did not finish this page within ${seconds} seconds. Try again, or raise GATEWAY_PAGE_TIMEOUT_SECONDS.`,
  )
}
