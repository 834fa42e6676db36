import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../store/database.ts'
import { createDiskBlobs } from './disk-blobs.ts'
import { createFileStore, type FileOptions, type FileStore } from './file-store.ts'
import { createNamedFiles, type NamedFiles } from './named-files.ts'
import { createSignedAddresses, type SignedAddresses } from './signed-addresses.ts'
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
  usage(): { readonly files: number; readonly bytes: number }
}

/** Where files are kept, and how. */
export interface FilesOptions extends FileOptions {
  readonly dataDir: string
  /** Of a file that is read as a document. */
  readonly maxDocumentBytes: number
  /** How long an upload may stand still. */
  readonly idleSeconds: number
  readonly onError: (error: unknown) => void
}

/** Before that, nothing is held for left behind: a disk may be slow, and a clock wrong. */
const LEAST_STALE_SECONDS = 15 * 60

/** Creates the stored files of a gateway. Nothing is written to the disk before the first one comes. */
export function createFiles(database: Database, options: FilesOptions): Files {
  const folder = join(options.dataDir, 'files')
  const staleSeconds = Math.max(LEAST_STALE_SECONDS, 2 * options.idleSeconds)
  const blobs = createDiskBlobs(folder, staleSeconds * 1000)
  const store = createFileStore(database, blobs, options)
  const addresses = createSignedAddresses(database)
  const sweeper = startSweeper(database, blobs, folder, options.onError)
  return {
    store,
    uploads: createUploadStore(database, blobs, store, options),
    addresses,
    named: createNamedFiles(store, addresses, options.maxDocumentBytes),
    sweeper,
    usage: () => (existsSync(folder) ? usageOf(store) : { files: 0, bytes: 0 }),
    [Symbol.asyncDispose]: () => sweeper[Symbol.asyncDispose](),
  }
}

/** All other metrics are needed most when the disk is full, or broken. */
function usageOf(store: FileStore): { readonly files: number; readonly bytes: number } {
  try {
    return store.usage()
  } catch {
    return { files: NaN, bytes: NaN }
  }
}
