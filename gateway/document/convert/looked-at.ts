/** Bytes of which any part can be read. */
export interface LookedAt {
  readonly length: number
  read(length: number, from: number): Promise<Uint8Array>
}

/** Returns bytes in memory as those of which any part can be read; nothing is copied. */
export function lookAt(bytes: Uint8Array): LookedAt {
  return { length: bytes.length, read: async (length, from) => bytes.subarray(from, from + length) }
}

/** Reads a part of a document as a Buffer over its bytes. */
export async function readPart(bytes: LookedAt, length: number, from: number): Promise<Buffer> {
  const part = await bytes.read(length, from)
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength)
}
