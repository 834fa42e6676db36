import { GatewayError } from '../errors.ts'
import { arrive, type Arrival } from './arrival.ts'
import type { BlobStore, OpenBlob } from './blob-store.ts'
import { nowInSeconds } from './clock.ts'
import type { Facts, OwnedFile } from './facts.ts'
import type { FileTable, StoredCounts } from './file-table.ts'
import { isFileId, newId } from './ids.ts'
import { createQuota, type Quota, type QuotaOptions } from './quota.ts'
import type { FileFacts, FilePage, FileQuery, StoredFile } from './stored-file.ts'

/** How files are kept. */
export interface FileOptions extends QuotaOptions {
  /** Told of a file that is known, and whose bytes are not here. */
  readonly onMissing?: (id: string) => void
  /** How long a file is kept at most. */
  readonly ttlSeconds: number
  /** Tells the table of a file that it does not know yet; returns whether there is one. Left out: there is none. */
  readonly importFile?: (id: string) => Promise<boolean>
}

/** Where files are kept: what is known of them, their bytes, and what is known of them once more. */
export interface Keeping {
  readonly table: FileTable
  readonly blobs: BlobStore
  readonly facts: Facts
}

/** A stored file, and its bytes. */
export interface OpenFile {
  readonly file: StoredFile
  readonly blob: OpenBlob
}

/** The stored files. An owner is the name of an API key; another's file is as good as none. All throw `storage_unavailable`. */
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
  usage(): Promise<StoredCounts>
  readonly quota: Quota
}

/** Creates the store of files. Nothing is written before the first file comes. */
export function createFileStore(keeping: Keeping, options: FileOptions): FileStore {
  const { table, blobs, facts } = keeping
  const quota = createQuota(options, (owner) => table.stored(owner))
  const { importFile = async () => false } = options
  const find = async (owner: string | null, id: string, param?: string): Promise<StoredFile> => {
    const known = (await table.findFile(owner, id)) ?? (await findAgain(keeping, owner, id))
    const file = known ?? ((await importFile(id)) ? await table.findFile(owner, id) : null)
    if (file === null) throw noFile(id, param)
    return file
  }
  return {
    receive: (owner, pieces, announced, id = newId('file-')) =>
      arrive({ id, owner, pieces, announced }, { blobs, quota }),
    keep: (owner, arrival, given) =>
      arrival.keep(async () => {
        const file = fileOf(arrival, given, options.ttlSeconds)
        await table.addFile(owner, file, quota.limits)
        await keepFacts(keeping, owner, file)
        return file
      }),
    find,
    findAny: (id, param) => find(null, id, param),
    async open(file, param) {
      const blob = await blobs.open(file.id)
      if (blob === null) {
        options.onMissing?.(file.id)
        throw noFile(file.id, param)
      }
      return { file, blob }
    },
    list: (owner, query) => table.listFiles(owner, query),
    async remove(owner, id) {
      await find(owner, id)
      // What is not known any more must not be found again by its facts, and a full disk has no room to note anything before.
      await blobs.remove(facts.namesOf(id))
      // Another request may have removed it just now; then it is gone, too.
      await table.removeFile(owner, id)
    },
    usage: () => table.stored(null),
    quota,
  }
}

/** A file is answered once its facts are safe, too. */
async function keepFacts({ table, facts }: Keeping, owner: string, file: StoredFile): Promise<void> {
  try {
    await facts.keep({ owner, file })
  } catch (error) {
    await table.removeFile(owner, file.id)
    throw error
  }
}

/** Finds a file by its facts that the table has lost. */
async function findAgain(keeping: Keeping, owner: string | null, id: string): Promise<StoredFile | null> {
  const found = isFileId(id) ? await keeping.facts.find(id) : null
  if (found === null || found.file.expiresAt <= nowInSeconds()) return null
  if (owner !== null && owner !== found.owner) return null
  return (await tellAgain(keeping, found)) ? found.file : null
}

/** Tells the table of a file that it has lost; returns false where it is being deleted just now, which begins with its facts. */
export async function tellAgain({ table, facts }: Keeping, { owner, file }: OwnedFile): Promise<boolean> {
  await table.addFile(owner, file, null)
  if ((await facts.find(file.id)) !== null) return true
  await table.removeFile(owner, file.id)
  return false
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

function noFile(id: string, param?: string): GatewayError {
  const message = `There is no file ${JSON.stringify(id.slice(0, 100))}: it was deleted, has expired, or belongs to another key. Upload it again.`
  return new GatewayError('file_not_found', message, { param })
}
