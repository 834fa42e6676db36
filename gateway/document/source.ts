/** What a client wants read, before anyone has looked inside: bytes, and where in the request they came from. */
export interface Source {
  readonly bytes: Uint8Array
  /** The request field that held it: `messages[0].content[1].file.file_data`. Errors name it. */
  readonly param: string
  readonly filename: string | null
  /** What the client says it is, from a data URL; the bytes decide. */
  readonly declaredMediaType: string | null
  /** For an encrypted PDF. Never logged, never stored, never part of a key. */
  readonly password: string | null
}
