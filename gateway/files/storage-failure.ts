import { GatewayError } from '../errors.ts'
import { isLocked } from '../store/database.ts'

/** What a system calls a disk without room, a quota of its own, and a file that is too large for it. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** What SQLite calls it: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where the file of its memory cannot grow. */
const SQLITE_CODES: ReadonlySet<unknown> = new Set([13, 4874])
/** What a system calls a folder that was mounted without the right to write, or whose server does not answer or has forgotten a file. */
const AWAY_CODES: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM', 'EIO', 'ESTALE', 'ENOTCONN', 'EHOSTDOWN'])

/**
 * Says that there is no room on the disk, that it is away or read-only, or that another program holds the database; returns
 * any other failure as it is.
 */
export function asStorageFailure(thrown: unknown): unknown {
  const { code, errcode } = Object(thrown) as { readonly code?: unknown; readonly errcode?: unknown }
  if (isLocked(thrown)) return isBusy(thrown)
  if (AWAY_CODES.has(code)) return isAway(thrown)
  if (!FULL_CODES.has(code) && !SQLITE_CODES.has(errcode)) return thrown
  const message = 'The disk of the gateway is full; nothing of the file was kept. Its operator has to make room.'
  return new GatewayError('storage_full', message, { cause: thrown })
}

function isAway(cause: unknown): GatewayError {
  const message = 'The folder in which this gateway keeps files cannot be read or written. Send the request again.'
  return new GatewayError('storage_unavailable', message, { cause })
}

function isBusy(cause: unknown): GatewayError {
  const message = 'Another program has the database in GATEWAY_DATA_DIR locked; nothing was changed. Try again.'
  return new GatewayError('internal_error', message, { retry: true, cause })
}
