import type { Readable } from 'node:stream'
import type { KeptBytes } from '../document/source.ts'

/** What was written. */
export interface Written {
  readonly bytes: number
  /** In hexadecimal. */
  readonly sha256: string
}

/** Stored bytes that are open: they can be read to their end even where they are removed meanwhile. */
export interface OpenBlob extends Omit<KeptBytes, 'sha256'> {
  /** Returns all of them, piece by piece, once; it is closed when they have been read, or nobody wants the rest. */
  stream(): Readable
}

/** Bytes to be written, piece by piece. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Where bytes are kept under names: a folder, or a bucket. A name is of letters, digits and `._-`. Throws `storage_full` and `storage_unavailable`.
 */
export interface BlobStore {
  /**
   * Writes bytes under a name, as fast as they are taken; they are there whole and for good, or not at all. Asks `admit`
   * before so many bytes are written; what it throws ends it.
   */
  write(name: string, pieces: Pieces, admit?: (bytes: number) => void | Promise<void>): Promise<Written>
  /** Returns null where nothing has that name. */
  open(name: string): Promise<OpenBlob | null>
  /** Forgets names, one after the other; unknown ones do no harm. */
  remove(names: readonly string[]): Promise<void>
  /** Lists all names, some at a time and in no order. */
  names(): AsyncIterable<readonly string[]>
  /** When a name was last written, in milliseconds of Unix time; null where nothing has it. */
  changedAt(name: string): Promise<number | null>
  /** Removes what a process has left that ended while it wrote. */
  sweep(): Promise<void>
}

/** Returns all bytes of a name, where those are few; null where nothing has it. */
export async function readAll(blobs: Pick<BlobStore, 'open'>, name: string): Promise<Buffer | null> {
  await using blob = await blobs.open(name)
  return blob === null ? null : Buffer.from(await blob.read())
}
