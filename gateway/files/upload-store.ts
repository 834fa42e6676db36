import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import { arrive, isUncertain, type Arrival } from './arrival.ts'
import type { BlobStore } from './blob-store.ts'
import { nowInSeconds } from './clock.ts'
import { fileOf, type FileOptions, type FileStore, type Keeping as FilesKept } from './file-store.ts'
import { newId } from './ids.ts'
import type { Quota } from './quota.ts'
import type { FileFacts, StoredFile } from './stored-file.ts'
import type { Upload, UploadPart } from './upload.ts'

/** An upload, and the file that it has become. */
export interface UploadAndFile {
  readonly upload: Upload
  /** Null before it is completed, and where the file is gone. */
  readonly file: StoredFile | null
}

/** How an upload is completed. */
export interface Completion {
  /** The parts, in the order in which they make up the file. */
  readonly partIds: readonly string[]
  /** Of the whole file, in hexadecimal; null: it is not compared. */
  readonly md5: string | null
}

/** Files that come in parts. */
export interface UploadStore {
  /** Throws `storage_full` where there is no room for the file. */
  create(owner: string, bytes: number, facts: FileFacts): Promise<UploadAndFile>
  /** Throws `file_not_found`, `invalid_value` where no more parts are taken, and `storage_full` for one of so many bytes. */
  expectPart(owner: string, id: string, bytes: number): Promise<void>
  /** Writes a part as it arrives. Throws what `expectPart` throws. */
  receivePart(owner: string, id: string, pieces: AsyncIterable<Uint8Array>, announced: number): Promise<Arrival>
  /** Makes what has arrived a part. Throws `invalid_value` where no more are taken, and `storage_full`. */
  keepPart(owner: string, id: string, arrival: Arrival): Promise<UploadPart>
  /** Throws `file_not_found` and `invalid_value`; the parts are then still there. */
  complete(owner: string, id: string, completion: Completion): Promise<UploadAndFile>
  /** Throws `file_not_found`, and `invalid_value` where it is completed. */
  cancel(owner: string, id: string): Promise<UploadAndFile>
}

const UPLOAD_SECONDS = 3600
/** Parts of one upload; the official clients send eight of the largest file. */
const MAX_PARTS = 2000

/** What uploads are kept with. */
interface Keeping extends FilesKept {
  readonly quota: Quota
  readonly ttlSeconds: number
  /** The uploads that are being completed, and when that has ended, whatever has become of it. */
  readonly completing: Map<string, Promise<void>>
}

/** Creates the store of uploads. */
export function createUploadStore(
  kept: FilesKept,
  { quota }: Pick<FileStore, 'quota'>,
  { ttlSeconds }: Pick<FileOptions, 'ttlSeconds'>,
): UploadStore {
  const keeping: Keeping = { ...kept, quota, ttlSeconds, completing: new Map() }
  return {
    create: (owner, bytes, facts) => create(keeping, owner, bytes, facts),
    expectPart: (owner, id, bytes) => expectPart(keeping, owner, id, bytes),
    async receivePart(owner, id, pieces, announced) {
      await expectPart(keeping, owner, id, announced)
      return arrive({ id: newId('part_'), owner, pieces, announced }, keeping)
    },
    keepPart: (owner, id, arrival) => keepPart(keeping, owner, id, arrival),
    complete: (owner, id, completion) => complete(keeping, owner, id, completion),
    cancel: (owner, id) => cancel(keeping, owner, id),
  }
}

async function create(
  { table, quota }: Keeping,
  owner: string,
  bytes: number,
  facts: FileFacts,
): Promise<UploadAndFile> {
  await quota.check(owner, bytes)
  const { seconds: fileSeconds, ...rest } = facts
  const createdAt = nowInSeconds()
  const times = { createdAt, expiresAt: createdAt + UPLOAD_SECONDS }
  const id = newId('upload_')
  const upload: Upload = { id, bytes, ...rest, fileSeconds, status: 'pending', fileId: null, ...times }
  await table.addUpload(owner, upload, quota.limits)
  return { upload, file: null }
}

async function find({ table }: Keeping, owner: string, id: string): Promise<UploadAndFile> {
  const upload = await table.findUpload(owner, id)
  if (upload === null) throw noUpload(id)
  return { upload, file: upload.fileId === null ? null : await table.findFile(owner, upload.fileId) }
}

async function expectPart(keeping: Keeping, owner: string, id: string, bytes: number): Promise<void> {
  const { upload } = await find(keeping, owner, id)
  if (upload.status !== 'pending') throw isOver(upload)
  if ((await keeping.table.partsOf(id)).length >= MAX_PARTS) throw tooManyParts()
  await keeping.quota.check(owner, bytes)
}

function keepPart(keeping: Keeping, owner: string, id: string, arrival: Arrival): Promise<UploadPart> {
  const { table, quota } = keeping
  const part = { id: arrival.id, bytes: arrival.bytes, createdAt: nowInSeconds() }
  return arrival.keep(async () => {
    if (await table.addPart(owner, id, part, quota.limits)) return part
    throw isOver((await find(keeping, owner, id)).upload)
  })
}

/** Completes an upload; who asks while it is completed waits for it, so that its bytes are not written once for each. */
async function complete(keeping: Keeping, owner: string, id: string, completion: Completion): Promise<UploadAndFile> {
  const { completing } = keeping
  while (completing.has(id)) await completing.get(id)
  const { upload } = await find(keeping, owner, id)
  // Between two looks another request may have begun.
  if (completing.has(id)) return complete(keeping, owner, id, completion)
  if (upload.status === 'pending') {
    const joined = join(keeping, owner, upload, completion)
    const ended = joined.catch(() => {}).finally(() => completing.delete(id))
    completing.set(id, ended)
    await joined.catch(async (error: unknown) => {
      // Another gateway that has ended the upload meanwhile has taken its parts away.
      if ((await find(keeping, owner, id)).upload.status === 'pending') throw error
    })
  }
  const after = await find(keeping, owner, id)
  // A client whose connection broke asks again, and is told what has become of it.
  if (after.upload.status !== 'completed') throw isOver(after.upload)
  if (after.file !== null) await expectFacts(keeping, owner, after.file)
  return after
}

/** Keeps the facts of a file where whoever made it of its upload could not, or has died before. */
async function expectFacts({ table, blobs, facts }: Keeping, owner: string, file: StoredFile): Promise<void> {
  if (!facts.areKept || (await facts.find(file.id)) !== null) return
  await facts.keep({ owner, file })
  // A file that is being deleted just now has none, and must not be found again by these.
  if ((await table.findFile(owner, file.id)) === null) await blobs.remove(facts.namesOf(file.id))
}

/** Makes the parts of an upload one file. */
async function join(keeping: Keeping, owner: string, upload: Upload, { partIds, md5 }: Completion): Promise<void> {
  const { table, blobs, facts, ttlSeconds } = keeping
  const parts = partsInOrder(partIds, await table.partsOf(upload.id), upload)
  const fileId = newId('file-')
  const hash = createHash('md5')
  const written = await blobs.write(fileId, bytesOf(parts, blobs, hash))
  const { filename, purpose, mediaType, fileSeconds: seconds } = upload
  const file = fileOf({ id: fileId, ...written }, { filename, purpose, mediaType, seconds }, ttlSeconds)
  let left: readonly string[] | null = null
  try {
    const found = hash.digest('hex')
    if (md5 !== null && md5.toLowerCase() !== found) throw otherMd5(found)
    left = await table.completeUpload(owner, upload.id, file)
  } catch (error) {
    if (!isUncertain(error)) await blobs.remove([fileId])
    throw error
  }
  if (left !== null) await facts.keep({ owner, file })
  await blobs.remove(left ?? [fileId])
}

async function cancel(keeping: Keeping, owner: string, id: string): Promise<UploadAndFile> {
  const { upload } = await find(keeping, owner, id)
  if (upload.status === 'completed') throw isOver(upload)
  await keeping.blobs.remove(await keeping.table.cancelUpload(id))
  return find(keeping, owner, id)
}

async function* bytesOf(
  parts: readonly UploadPart[],
  blobs: BlobStore,
  hash: { update: (piece: Uint8Array) => unknown },
): AsyncGenerator<Uint8Array> {
  for (const { id } of parts) {
    const blob = await blobs.open(id)
    if (blob === null) throw isGone()
    for await (const piece of blob.stream() as AsyncIterable<Uint8Array>) {
      hash.update(piece)
      yield piece
    }
  }
}

function partsInOrder(ids: readonly string[], parts: readonly UploadPart[], { bytes }: Upload): UploadPart[] {
  const byId = new Map(parts.map((part) => [part.id, part]))
  const ordered = ids.map((id, index) => {
    const part = byId.get(id)
    const param = `part_ids[${index}]`
    if (part === undefined) throw invalid(`${param}: the upload has no part ${JSON.stringify(id.slice(0, 100))}`, param)
    if (ids.indexOf(id) < index) throw invalid(`${param}: the part ${id} is listed twice`, param)
    return part
  })
  const sum = ordered.reduce((total, part) => total + part.bytes, 0)
  if (sum === bytes) return ordered
  const message = `The parts have ${sum} bytes together, and the upload was created for ${bytes}. Add what is missing, or leave out what is too much`
  throw invalid(message, 'part_ids')
}

function invalid(message: string, param?: string): GatewayError {
  return new GatewayError('invalid_value', `${message}.`, { param })
}

const otherMd5 = (found: string): GatewayError =>
  invalid(`The bytes that arrived have the MD5 ${found}, which is not what was sent. Send the parts again`, 'md5')

const tooManyParts = (): GatewayError => invalid(`An upload has at most ${MAX_PARTS} parts. Send larger ones`, 'data')

const isOver = ({ status }: Upload): GatewayError =>
  invalid(`The upload is ${status}, and changes no more. Create another one`, 'upload_id')

const isGone = (): GatewayError => invalid('A part of the upload is gone. Create another upload', 'part_ids')

function noUpload(id: string): GatewayError {
  const message = `There is no upload ${JSON.stringify(id.slice(0, 100))}, or it belongs to another key. Create one with POST /v1/uploads.`
  return new GatewayError('file_not_found', message, { param: 'upload_id' })
}
