import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import type { BlobStore } from './blob-store.ts'
import { deleteFiles, selectExpired, unownedIds } from './file-table.ts'
import { atOnce, openTables } from './schema.ts'
import { deleteOldUploads, giveUp, selectGivenUp, selectParts } from './upload-table.ts'

/** Removes what nobody can ask for any more. */
export interface Sweeper extends AsyncDisposable {
  sweep(): Promise<void>
}

/** In milliseconds: after the start, and then again and again. */
const FIRST_AFTER = 1000
const INTERVAL = 60_000
/** Files, or uploads, that are removed at a time. */
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

  const tables = () => openTables(database)
  const keeping: Keeping = { tables, blobs }

  async function removeExpired(): Promise<void> {
    for (const some of [forgetFiles, forgetUploads]) while (!closing.signal.aborted && (await some(keeping)));
  }

  async function round(): Promise<void> {
    if (closing.signal.aborted || !existsSync(folder)) return
    await removeExpired()
    if (rounds++ % FOLDERS_EVERY > 0 || closing.signal.aborted) return
    await blobs.sweep((ids) => (closing.signal.aborted ? [] : unownedIds(tables(), ids)))
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

/** What is swept. */
interface Keeping {
  readonly tables: () => DatabaseSync
  readonly blobs: BlobStore
}

/** Forgets files whose time is over, some of them; returns whether there were any. */
async function forgetFiles({ tables, blobs }: Keeping): Promise<boolean> {
  const ids = selectExpired(tables(), BATCH)
  if (ids.length === 0) return false
  await forget(blobs, ids, () => deleteFiles(tables(), ids))
  return true
}

/** Forgets the parts of uploads that were given up, and uploads of long ago. */
async function forgetUploads({ tables, blobs }: Keeping): Promise<boolean> {
  const ids = selectGivenUp(tables(), BATCH)
  for (const id of ids) {
    const parts = selectParts(tables(), id).map((part) => part.id)
    await forget(blobs, parts, () => atOnce(tables(), () => giveUp(tables(), id)))
  }
  return deleteOldUploads(tables(), BATCH) || ids.length > 0
}

/** Bytes go first: on a full disk the database has no room to note anything before. */
async function forget(blobs: BlobStore, ids: readonly string[], note: () => void): Promise<void> {
  try {
    await blobs.remove(ids)
  } finally {
    note()
  }
}
