import { GatewayError } from '../errors.ts'

/** What a system calls a disk without room, a quota of its own, and a file that is too large for it. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** What SQLite calls it: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where the file of its memory cannot grow. */
const SQLITE_CODES: ReadonlySet<unknown> = new Set([13, 4874])

/** Returns the refusal of bytes for which there is no room on the disk; any other failure as it is. */
export function asStorageFull(thrown: unknown): unknown {
  const { code, errcode } = Object(thrown) as { readonly code?: unknown; readonly errcode?: unknown }
  if (!FULL_CODES.has(code) && !SQLITE_CODES.has(errcode)) return thrown
  const message = 'The disk of the gateway is full; nothing of the file was kept. Its operator has to make room.'
  return new GatewayError('storage_full', message, { cause: thrown })
}
