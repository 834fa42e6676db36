import { GatewayError } from '../errors.ts'
import { isFull, isLocked } from '../store/database.ts'

/** Says why something was not kept: `what` it was, and what to do about it in `instead`. */
export function notWritten(cause: unknown, what: string, instead: string): GatewayError {
  const { code } = Object(cause) as { readonly code?: unknown }
  const hasNoRoom = code === 'ENOSPC' || code === 'EDQUOT' || isFull(cause)
  const why = hasNoRoom
    ? 'the disk of GATEWAY_DATA_DIR is full'
    : isLocked(cause)
      ? 'another program has the database in GATEWAY_DATA_DIR locked'
      : 'this gateway cannot write to GATEWAY_DATA_DIR'
  return new GatewayError(hasNoRoom ? 'storage_full' : 'internal_error', `${what}, and ${why}. ${instead}`, {
    cause,
    retry: isLocked(cause),
  })
}
