import { GatewayError } from '../errors.ts'
import { isLocked } from '../store/database.ts'

/** What a system calls a disk without room, a quota of its own, and a file that is too large for it. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** What SQLite calls it: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where the file of its memory cannot grow. */
const SQLITE_CODES: ReadonlySet<unknown> = new Set([13, 4874])

/** Says that there is no room on the disk, or that another program holds the database; returns any other failure as it is. */
export function asStorageFailure(thrown: unknown): unknown {
  const { code, errcode } = Object(thrown) as { readonly code?: unknown; readonly errcode?: unknown }
  if (isLocked(thrown)) return isBusy(thrown)
  if (!FULL_CODES.has(code) && !SQLITE_CODES.has(errcode)) return thrown
  const message = 'The disk of the gateway is full; nothing of the file was kept. Its operator has to make room.'
  return new GatewayError('storage_full', message, { cause: thrown })
}

function isBusy(cause: unknown): GatewayError {
  const message = 'Another program has the database in GATEWAY_DATA_DIR locked; nothing was changed. Try again.'
  return new GatewayError('internal_error', message, { retry: true, cause })
}
