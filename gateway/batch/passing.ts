import { GatewayError, type ErrorCode } from '../errors.ts'

/** What says that the same may be done later as it is. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'queue_full',
  'rate_limit_exceeded',
  'engine_unavailable',
  'draining',
  'storage_unavailable',
  'storage_full',
])

/** Tells whether what failed is to be tried again, for as long as the batch has time. */
export function isPassing(error: unknown): error is GatewayError {
  if (!(error instanceof GatewayError)) return false
  // A caller who is not known any more may be so again.
  if (error.code === 'forbidden') return error.retry
  // A budget of pages begins anew with the month.
  return PASSING.has(error.code) && (error.code !== 'rate_limit_exceeded' || error.retry)
}
