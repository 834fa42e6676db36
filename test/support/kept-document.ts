import { createHash } from 'node:crypto'
import type { KeptBytes, Source } from '../../gateway/document/source.ts'
import { makeSource } from './make-source.ts'

/**
 * Makes a document that is kept elsewhere, and counts how often it is closed, and read, a look at its beginning left out. `read`
 * is asked for the bytes each time.
 */
export function keepDocument(bytes: Uint8Array, read: () => Promise<Uint8Array> = async () => bytes) {
  const seen = { reads: 0, closed: 0 }
  const kept: KeptBytes = {
    length: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async read(length = bytes.length, from) {
      if (from === 0) return bytes.subarray(0, length)
      seen.reads++
      return (await read()).slice(from, (from ?? 0) + length)
    },
    [Symbol.asyncDispose]: async () => void seen.closed++,
  }
  const source: Source = { ...makeSource(new Uint8Array()), open: async () => kept }
  return { source, seen }
}
