import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, opendir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobStore, OpenBlob, Pieces, Written } from './blob-store.ts'
import { openHandle } from './open-handle.ts'
import { asStorageFailure } from './storage-failure.ts'

/** Names that are listed at a time. */
const BATCH = 500

/**
 * Keeps bytes in a folder, which several machines may share. They are written to a name beside the others, synced, and
 * renamed, so that a process that is killed leaves no half file. What was last written to longer ago than `staleAfterMs` is
 * no upload any more: processes that share the folder need not know each other for it.
 */
export function createDiskBlobs(folder: string, staleAfterMs: number): BlobStore {
  const content = join(folder, 'content')
  const incoming = join(folder, 'incoming')
  const path = (name: string): string => join(content, name)
  return {
    async write(name, pieces, admit = () => {}) {
      for (const needed of [content, incoming]) await mkdir(needed, { recursive: true, mode: 0o700 })
      const temporary = join(incoming, `${name}.${randomUUID()}`)
      try {
        const written = await writeTo(temporary, pieces, admit)
        await moveTo(path(name), temporary)
        return written
      } catch (thrown) {
        await rm(temporary, { force: true })
        throw asStorageFailure(thrown)
      }
    },
    open: (name) => orFailure(openAt(path(name))),
    async remove(names) {
      for (const name of names) await orFailure(rm(path(name), { force: true }))
    },
    names: () => namesIn(content),
    changedAt: (name) => orFailure(stat(path(name)).then(({ mtimeMs }) => mtimeMs, nullIfMissing)),
    async sweep() {
      for await (const names of namesIn(incoming)) await removeStale(incoming, names, staleAfterMs)
    },
  }
}

async function orFailure<T>(done: Promise<T>): Promise<T> {
  try {
    return await done
  } catch (thrown) {
    throw asStorageFailure(thrown)
  }
}

async function writeTo(path: string, pieces: Pieces, admit: (bytes: number) => void | Promise<void>): Promise<Written> {
  const hash = createHash('sha256')
  let bytes = 0
  const handle = await open(path, 'wx', 0o600)
  try {
    for await (const piece of pieces) {
      bytes += piece.length
      await admit(bytes)
      hash.update(piece)
      await handle.writeFile(piece)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Gives what was written its name, for good. */
async function moveTo(path: string, temporary: string): Promise<void> {
  await rename(temporary, path)
  await sync(dirname(path))
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

async function openAt(path: string): Promise<OpenBlob | null> {
  const handle: FileHandle | null = await open(path).catch(nullIfMissing)
  return handle === null ? null : openHandle(handle)
}

/** Yields the names in a folder, some at a time. */
async function* namesIn(folder: string): AsyncGenerator<readonly string[]> {
  const directory = await opendir(folder).catch(nullIfMissing)
  if (directory === null) return
  let batch: string[] = []
  for await (const entry of directory) {
    // A folder in it is none of the gateway's.
    if (entry.isDirectory()) continue
    batch.push(entry.name)
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
