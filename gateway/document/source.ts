/** What is known of a document before its bytes are read. */
export interface SourceFacts {
  /** The request field that held it: `messages[0].content[1].file.file_data`. Errors name it. */
  readonly param: string
  readonly filename: string | null
  /** What the client says it is, from a data URL; the bytes decide. */
  readonly declaredMediaType: string | null
  /** For an encrypted PDF. Never logged, never stored, never part of a key. */
  readonly password: string | null
}

/** Bytes that are kept elsewhere, and read whenever they are needed, in place of being held. */
export interface KeptBytes extends AsyncDisposable {
  readonly length: number
  /** In hexadecimal. */
  readonly sha256: string
  /** Returns all of them, or at most so many, from a place on. They do not change, whatever becomes of the file. */
  read(length?: number, from?: number): Promise<Uint8Array>
}

/** Where a document comes from. It can be opened once. */
export interface Source extends SourceFacts {
  /**
   * Returns the document's bytes, and keeps no reference to them, or where they are kept: who opens it closes that. Throws
   * what getting them throws, naming `param`.
   */
  open(signal: AbortSignal): Promise<Uint8Array | KeptBytes>
  /** Is told when the document was opened from the bytes, or could not be: until then the source counts them as held. */
  readonly onOpened?: () => void
}

/** Creates a source of bytes that came with the request. */
export function inlineSource(bytes: Uint8Array, facts: SourceFacts): Source {
  // A request keeps its sources while its pages are read; the bytes would be a second copy of each document.
  const held: Uint8Array[] = [bytes]
  return {
    ...facts,
    async open() {
      const given = held.pop()
      if (given === undefined) throw new Error(`The source in ${facts.param} was opened before.`)
      return given
    },
  }
}
