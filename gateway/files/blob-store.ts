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
  /** Returns all of them, piece by piece; it is closed when they have been read, or nobody wants the rest. */
  stream(): Readable
}

/** Where the bytes of files are kept: a folder, or one day a bucket. */
export interface BlobStore {
  /**
   * Writes bytes under a name, as fast as they are taken; they are there whole and for good, or not at all. Asks `admit`
   * before so many bytes are written; what it throws ends it. Throws `storage_full`.
   */
  write(id: string, pieces: AsyncIterable<Uint8Array>, admit: (bytes: number) => void): Promise<Written>
  /** Returns null where nothing has that name. */
  open(id: string): Promise<OpenBlob | null>
  /** Forgets names; unknown ones do no harm. */
  remove(ids: readonly string[]): Promise<void>
  /** Removes what a process has left that ended while it wrote, and what is old and has no owner. */
  sweep(unowned: (ids: readonly string[]) => readonly string[]): Promise<void>
}
