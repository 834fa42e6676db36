import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, opendir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { readBytes } from '../store/read-bytes.ts'
import type { BlobStore, OpenBlob, Written } from './blob-store.ts'
import { asStorageFailure } from './storage-failure.ts'

/** Names that are looked up at a time. */
const BATCH = 500

/**
 * Keeps bytes in a folder. They are written to a name beside the others, synced, and renamed, so that a process that is
 * killed leaves no half file. What was last written to longer ago than `staleAfterMs` is no upload any more: processes that
 * share the folder need not know each other for it.
 */
export function createDiskBlobs(folder: string, staleAfterMs: number): BlobStore {
  const content = join(folder, 'content')
  const incoming = join(folder, 'incoming')
  const path = (id: string): string => join(content, id)
  return {
    async write(id, pieces, admit) {
      for (const needed of [content, incoming]) await mkdir(needed, { recursive: true, mode: 0o700 })
      const temporary = join(incoming, `${id}.${randomUUID()}`)
      try {
        const written = await writeTo(temporary, pieces, admit)
        await rename(temporary, path(id))
        await sync(content)
        return written
      } catch (thrown) {
        for (const left of [temporary, path(id)]) await rm(left, { force: true })
        throw asStorageFailure(thrown)
      }
    },
    async open(id) {
      const handle = await open(path(id)).catch(nullIfMissing)
      return handle === null ? null : openBlob(handle)
    },
    async remove(ids) {
      for (const id of ids) await rm(path(id), { force: true })
    },
    async sweep(unowned) {
      for await (const names of namesIn(incoming)) await removeStale(incoming, names, staleAfterMs)
      for await (const names of namesIn(content)) await removeStale(content, unowned(names), staleAfterMs)
    },
  }
}

async function writeTo(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  admit: (bytes: number) => void,
): Promise<Written> {
  const hash = createHash('sha256')
  let bytes = 0
  const handle = await open(path, 'wx', 0o600)
  try {
    for await (const piece of pieces) {
      bytes += piece.length
      admit(bytes)
      hash.update(piece)
      await handle.writeFile(piece)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Has a folder itself written to the disk, or a rename might be lost with the machine's power. Windows opens no folders. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => null)
  if (handle === null) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function openBlob(handle: FileHandle): Promise<OpenBlob> {
  const { size } = await handle.stat()
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await handle.close()
  }
  return {
    length: size,
    read: (length = size, from = 0) => readBytes(handle, Math.min(length, size - from), from),
    stream() {
      // It closes what it reads.
      isOpen = false
      return handle.createReadStream({ start: 0, highWaterMark: STREAM_BYTES })
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Of each download some are in memory: in front of the socket, and behind the disk. */
const STREAM_BYTES = 64 * 1024

/** Yields the names in a folder, some at a time. */
async function* namesIn(folder: string): AsyncGenerator<readonly string[]> {
  const directory = await opendir(folder).catch(nullIfMissing)
  if (directory === null) return
  let batch: string[] = []
  for await (const { name } of directory) {
    batch.push(name)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  yield batch
}

/** Removes those of some names that nobody has written to for a while. */
async function removeStale(folder: string, names: readonly string[], staleAfterMs: number): Promise<void> {
  for (const name of names) {
    const facts = await stat(join(folder, name)).catch(nullIfMissing)
    if (facts !== null && Date.now() - facts.mtimeMs > staleAfterMs) await rm(join(folder, name), { force: true })
  }
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
