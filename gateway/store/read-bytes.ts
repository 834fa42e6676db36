import type { FileHandle } from 'node:fs/promises'

/** Reads so many bytes of an open file, from a position on. Throws where the file has fewer. */
export async function readBytes(file: FileHandle, length: number, from: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled)
    if (bytesRead === 0) throw new Error(`A stored file ends after ${from + filled} bytes.`)
    filled += bytesRead
  }
  return bytes
}
