import { GatewayError } from '../errors.ts'
import type { Database } from '../store/database.ts'
import { arrive, type Arrival } from './arrival.ts'
import type { BlobStore, OpenBlob } from './blob-store.ts'
import { listFiles } from './file-list.ts'
import { deleteFile, insertFile, selectFile, selectStored } from './file-table.ts'
import { newId } from './ids.ts'
import { createQuota, type Quota, type QuotaOptions } from './quota.ts'
import { atOnce, nowInSeconds, openTables } from './schema.ts'
import type { FileFacts, FilePage, FileQuery, StoredFile } from './stored-file.ts'

/** How files are kept. */
export interface FileOptions extends QuotaOptions {
  /** How long a file is kept at most. */
  readonly ttlSeconds: number
}

/** A stored file, and its bytes. */
export interface OpenFile {
  readonly file: StoredFile
  readonly blob: OpenBlob
}

/** The stored files. An owner is the name of an API key; another's file is as good as none. */
export interface FileStore {
  /**
   * Writes bytes as they arrive; `announced` is how many are expected at least. `id` left out: the file gets a new one; a
   * given one no file may have yet. Throws `storage_full`.
   */
  receive(owner: string, pieces: AsyncIterable<Uint8Array>, announced: number, id?: string): Promise<Arrival>
  /** Makes what has arrived a file. Throws `storage_full`, and then nothing of it is left. */
  keep(owner: string, arrival: Arrival, facts: FileFacts): Promise<StoredFile>
  /** Throws `file_not_found`, naming `param`. */
  find(owner: string, id: string, param?: string): Promise<StoredFile>
  /** Finds a file of whatever owner, for one that was given its signed address. Throws `file_not_found`. */
  findAny(id: string, param?: string): Promise<StoredFile>
  /** Opens the bytes of a file that was found. Throws `file_not_found` where they are gone. */
  open(file: StoredFile, param?: string): Promise<OpenFile>
  list(owner: string, query: FileQuery): Promise<FilePage>
  /** Removes a file; who reads it now reads it to its end. Throws `file_not_found`. */
  remove(owner: string, id: string): Promise<void>
  /** What is stored, by all. */
  usage(): { readonly files: number; readonly bytes: number }
  readonly quota: Quota
}

/** Creates the store of files. Nothing is written before the first file comes. */
export function createFileStore(database: Database, blobs: BlobStore, options: FileOptions): FileStore {
  const tables = () => openTables(database)
  const quota = createQuota(options, (owner) => selectStored(tables(), owner))

  return {
    receive: (owner, pieces, announced, id = newId('file-')) =>
      arrive({ id, owner, pieces, announced }, { blobs, quota }),
    keep: (owner, arrival, facts) =>
      arrival.keep(() => {
        const file = fileOf(arrival, facts, options.ttlSeconds)
        return atOnce(database, (tables) => {
          quota.check(owner, file.bytes)
          insertFile(tables, owner, file)
          return file
        })
      }),
    find: async (owner, id, param) => expectFound(selectFile(tables(), owner, id), id, param),
    findAny: async (id, param) => expectFound(selectFile(tables(), null, id), id, param),
    async open(file, param) {
      const blob = await blobs.open(file.id)
      if (blob === null) throw noFile(file.id, param)
      return { file, blob }
    },
    list: (owner, query) => listFiles(tables(), owner, query),
    async remove(owner, id) {
      if (!(await forgetFile(database, owner, id, blobs))) throw noFile(id)
      await blobs.remove([id])
    },
    usage: () => selectStored(tables(), null),
    quota,
  }
}

/** On a full disk the database has no room even to forget something, before its bytes are removed. */
async function forgetFile(database: Database, owner: string, id: string, blobs: BlobStore): Promise<boolean> {
  const forget = () => atOnce(database, (tables) => deleteFile(tables, owner, id))
  try {
    return await forget()
  } catch (error) {
    const isFull = error instanceof GatewayError && error.code === 'storage_full'
    if (!isFull || selectFile(openTables(database), owner, id) === null) throw error
    await blobs.remove([id])
    return forget()
  }
}

/** Says what a file is, once its bytes are there. */
export function fileOf(
  { id, bytes, sha256 }: Pick<StoredFile, 'id' | 'bytes' | 'sha256'>,
  { seconds, ...facts }: FileFacts,
  ttlSeconds: number,
): StoredFile {
  const createdAt = nowInSeconds()
  return { id, bytes, sha256, ...facts, createdAt, expiresAt: createdAt + Math.min(seconds ?? ttlSeconds, ttlSeconds) }
}

function expectFound(file: StoredFile | null, id: string, param: string | undefined): StoredFile {
  if (file === null) throw noFile(id, param)
  return file
}

function noFile(id: string, param?: string): GatewayError {
  const message = `There is no file ${JSON.stringify(id.slice(0, 100))}: it was deleted, has expired, or belongs to another key. Upload it again.`
  return new GatewayError('file_not_found', message, { param })
}
