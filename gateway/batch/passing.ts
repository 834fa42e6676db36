import { GatewayError, type ErrorCode } from '../errors.ts'

/** What says that the same may be done later as it is. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'queue_full',
  'engine_unavailable',
  'draining',
  'storage_unavailable',
  'storage_full',
])

/** Tells whether what failed is to be tried again, for as long as the batch has time. */
export function isPassing(error: unknown): error is GatewayError {
  return error instanceof GatewayError && PASSING.has(error.code)
}

const MAX_SECONDS = 60

/** Returns for how many seconds to wait after so many failures in a row. */
export function backoff(failures: number, retryAfterSeconds = 0): number {
  const seconds = Math.min(MAX_SECONDS, Math.max(retryAfterSeconds, 2 ** Math.min(failures, 6)))
  // Those that failed together do not come back together.
  return seconds * (0.5 + Math.random() / 2)
}
