import { GatewayError } from '../errors.ts'

/** What a system calls a disk without room, a quota of its own, and a file that is too large for it; and SQLite. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const SQLITE_FULL = 13

/** Returns the refusal of bytes for which there is no room on the disk; any other failure as it is. */
export function asStorageFull(thrown: unknown): unknown {
  const { code, errcode } = Object(thrown) as { readonly code?: unknown; readonly errcode?: unknown }
  if (!FULL_CODES.has(code) && errcode !== SQLITE_FULL) return thrown
  const message = 'The disk of the gateway is full; nothing of the file was kept. Its operator has to make room.'
  return new GatewayError('storage_full', message, { cause: thrown })
}
