/** A part of a document's bytes. */
export interface BytesPart {
  /** Where it begins in the document. */
  readonly at: number
  /** Overwritten by the next part. */
  readonly content: Uint8Array
}

/** The bytes of a document: all of them at hand, or read in pieces. */
export interface DocumentBytes {
  readonly length: number
  /**
   * Returns the bytes from a place on that are at hand, one at least; the next call may overwrite them. None beyond the end.
   * Throws `document_unreadable` where they cannot be had.
   */
  from(position: number): Uint8Array
  /**
   * Yields all bytes in order. Each part but the first begins with the last bytes, `overlap` of them, of the one before. Throws as
   * `from` does.
   */
  parts(overlap: number): Iterable<BytesPart>
  /** Returns a copy of all of them, which is the caller's own. Throws as `from` does. */
  copy(): Uint8Array<ArrayBuffer>
}

/** Returns bytes that are all at hand. */
export function wholeBytes(bytes: Uint8Array): DocumentBytes {
  return {
    length: bytes.length,
    from: (position) => bytes.subarray(position),
    *parts() {
      yield { at: 0, content: bytes }
    },
    copy: () => new Uint8Array(bytes),
  }
}

/** Fills an array with the bytes from a place on; false where the document has fewer. Throws as `from` does. */
export function readInto(bytes: DocumentBytes, position: number, into: Uint8Array): boolean {
  if (position + into.length > bytes.length) return false
  for (let filled = 0; filled < into.length;) {
    const found = bytes.from(position + filled)
    const taken = Math.min(found.length, into.length - filled)
    into.set(found.subarray(0, taken), filled)
    filled += taken
  }
  return true
}
