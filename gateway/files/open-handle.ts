import type { FileHandle } from 'node:fs/promises'
import { readBytes } from '../store/read-bytes.ts'
import type { OpenBlob } from './blob-store.ts'
import { asStorageFailure } from './storage-failure.ts'

/** Of each download some are in memory: in front of the socket, and behind the disk. */
const STREAM_BYTES = 64 * 1024

/** Returns the bytes of a file of the system, which is open as long as they are. */
export async function openHandle(handle: FileHandle): Promise<OpenBlob> {
  const { size } = await handle.stat()
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await handle.close()
  }
  return {
    length: size,
    read: (length = size, from = 0) =>
      readBytes(handle, Math.min(length, size - from), from).catch((error: unknown) => {
        throw asStorageFailure(error)
      }),
    stream() {
      // It closes what it reads.
      isOpen = false
      return handle.createReadStream({ start: 0, highWaterMark: STREAM_BYTES })
    },
    [Symbol.asyncDispose]: close,
  }
}
