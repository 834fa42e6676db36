import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '../store/database.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { BlobStore } from './blob-store.ts'
import { createFacts, NO_FACTS } from './facts.ts'
import { createFileStore, type FileOptions, type FileStore } from './file-store.ts'
import { createEarlier, type Earlier } from './import-files.ts'
import { createNamedFiles, type NamedFiles } from './named-files.ts'
import { createRedisTable } from './redis-table.ts'
import { createSignedAddresses, readSecret, type SignedAddresses } from './signed-addresses.ts'
import { createSqliteTable } from './sqlite-table.ts'
import { startSweeper, type Sweeper } from './sweeper.ts'
import { createUploadStore, type UploadStore } from './upload-store.ts'

/** All that has to do with stored files. */
export interface Files extends AsyncDisposable {
  readonly store: FileStore
  readonly uploads: UploadStore
  readonly addresses: SignedAddresses
  readonly named: NamedFiles
  readonly sweeper: Pick<Sweeper, 'sweep'>
  /** What is stored; of a gateway that never stored anything, without looking. `NaN` where that cannot be read. */
  usage(): Promise<{ readonly files: number; readonly bytes: number }>
}

/** Where files are kept, and how. */
export interface FilesOptions extends FileOptions {
  readonly blobs: BlobStore
  /** Null: what is known of files lies in the embedded database. */
  readonly shared: SharedRedis | null
  /** The folder of the bytes, where they and the embedded database are lost together or not at all; else null. */
  readonly ownFolder: string | null
  /** What was written longer ago, and belongs to nothing, is not on its way any more. */
  readonly staleAfterMs: number
  /** Of a file that is read as a document. */
  readonly maxDocumentBytes: number
  readonly onError: (error: unknown) => void
}

/** Creates the stored files of a gateway. Nothing is written to the disk before the first one comes. */
export function createFiles(database: Database, options: FilesOptions): Files {
  const { blobs, shared, ownFolder, onError } = options
  const table = shared === null ? createSqliteTable(database) : createRedisTable(shared)
  const facts = ownFolder === null ? createFacts(blobs) : NO_FACTS
  const keeping = { table, blobs, facts }
  const isUsed = () => ownFolder === null || existsSync(ownFolder)
  const earlier = shared === null ? NOTHING_EARLIER : createEarlier(database, keeping)
  const store = createFileStore(keeping, { ...options, importFile: earlier.importFile })
  const copies = facts.areKept ? blobs : null
  const addresses = createSignedAddresses(table, copies, earlier.signingSecret)
  const prepare = once(async () => {
    // Others must not make one of their own: what was signed with the earlier one would end.
    if (earlier.signingSecret() !== null) await readSecret(table, copies, earlier.signingSecret)
    await earlier.importAll()
  })
  const sweeper = startSweeper(keeping, { isUsed, prepare, staleAfterMs: options.staleAfterMs, onError })
  return {
    store,
    uploads: createUploadStore(keeping, store, options),
    addresses,
    named: createNamedFiles(store, addresses, options.maxDocumentBytes),
    sweeper,
    usage: async () => (isUsed() ? usageOf(store) : { files: 0, bytes: 0 }),
    [Symbol.asyncDispose]: () => sweeper[Symbol.asyncDispose](),
  }
}

/** The embedded database is the table itself. */
const NOTHING_EARLIER: Earlier = {
  signingSecret: () => null,
  importFile: async () => false,
  importAll: async () => {},
}

/** Returns what does some work until it has been done. */
function once(work: () => Promise<void>): () => Promise<void> {
  let isDone = false
  return async () => {
    if (!isDone) await work()
    isDone = true
  }
}

/** All other metrics are needed most when the disk is full, or what is known of files is away. */
async function usageOf(store: FileStore): Promise<{ readonly files: number; readonly bytes: number }> {
  const unknown = { files: NaN, bytes: NaN }
  const tooLate = delay(USAGE_TIMEOUT, unknown, { ref: false })
  return Promise.race([store.usage().catch(() => unknown), tooLate])
}

/** In milliseconds; who asks for the metrics does not wait long. */
const USAGE_TIMEOUT = 1000
