import { existsSync } from 'node:fs'
import type { Database } from '../store/database.ts'
import type { BlobStore } from './blob-store.ts'
import { deleteExpired, unownedIds } from './file-table.ts'
import { openTables } from './schema.ts'
import { deleteGivenUp } from './upload-table.ts'

/** Removes what nobody can ask for any more. */
export interface Sweeper extends AsyncDisposable {
  sweep(): Promise<void>
}

/** In milliseconds: after the start, and then again and again. */
const FIRST_AFTER = 1000
const INTERVAL = 60_000
/** Files that are removed at a time. */
const BATCH = 100
/** Folders are looked through at the start, and then once in so many rounds. */
const FOLDERS_EVERY = 15

/** Starts to sweep; a gateway that has never stored a file sweeps nothing, and makes no folder. */
export function startSweeper(
  database: Database,
  blobs: BlobStore,
  folder: string,
  onError: (error: unknown) => void,
): Sweeper {
  const closing = new AbortController()
  let rounds = 0
  let running = Promise.resolve()

  async function removeExpired(): Promise<void> {
    await blobs.remove(deleteGivenUp(openTables(database)))
    while (!closing.signal.aborted) {
      const expired = deleteExpired(openTables(database), BATCH)
      if (expired.length === 0) return
      await blobs.remove(expired)
    }
  }

  async function round(): Promise<void> {
    if (closing.signal.aborted || !existsSync(folder)) return
    await removeExpired()
    if (rounds++ % FOLDERS_EVERY > 0 || closing.signal.aborted) return
    await blobs.sweep((ids) => (closing.signal.aborted ? [] : unownedIds(openTables(database), ids)))
  }

  function sweep(): Promise<void> {
    running = running.then(round).catch(onError)
    return running
  }

  const first = setTimeout(() => void sweep(), FIRST_AFTER).unref()
  const timer = setInterval(() => void sweep(), INTERVAL).unref()
  return {
    sweep,
    async [Symbol.asyncDispose]() {
      closing.abort()
      clearTimeout(first)
      clearInterval(timer)
      await running
    },
  }
}
