import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BlobStore, Pieces, Written } from './blob-store.ts'
import { openFetched } from './fetched-blob.ts'
import { ASK_TIMEOUT, asBucketFailure, isMissing, loadClient, type Bucket, type LoadedClient } from './s3-client.ts'
import { asStorageFailure } from './storage-failure.ts'

/** Where in a bucket bytes are kept, and how. */
export interface S3Options extends Bucket {
  /** Begins all keys. */
  readonly prefix: string
  /** Where documents lie while they are read. */
  readonly temporary: string
  /** What was begun longer ago, and is not whole, is not on its way any more. */
  readonly abandonedAfterMs: number
}

/** As small as S3 takes them: of an upload two are on their way, one is filled, and what was sent waits to be collected. */
const PART_BYTES = 5 * 1024 * 1024
const PARTS_AT_A_TIME = 2
/** As many as the storage takes at a time. */
const REMOVED_AT_A_TIME = 1000
/** Fewer are removed one after the other: not every storage knows how to remove many. */
const FEW = 3

/** What the operations share. */
interface Context extends S3Options {
  readonly load: () => Promise<LoadedClient>
  readonly key: (name: string) => string
}

/** Keeps bytes in a bucket: what is written is there when the storage has all of it. */
export function createS3Blobs(options: S3Options): BlobStore {
  const context: Context = { ...options, load: loadClient(options), key: (name) => options.prefix + name }
  return {
    write: (name, pieces, admit = () => {}) => write(context, name, pieces, admit),
    open: (name) => open(context, name),
    async remove(names) {
      for (let at = 0; at < names.length; at += REMOVED_AT_A_TIME)
        await remove(context, names.slice(at, at + REMOVED_AT_A_TIME))
    },
    names: () => list(context),
    changedAt: (name) => changedAt(context, name),
    sweep: () => abortAbandoned(context),
  }
}

async function write(
  { load, name: Bucket, key }: Context,
  name: string,
  pieces: Pieces,
  admit: (bytes: number) => void | Promise<void>,
): Promise<Written> {
  const hash = createHash('sha256')
  let bytes = 0
  let refused: { readonly error: unknown } | null = null
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces) {
        bytes += piece.length
        await admit(bytes)
        hash.update(piece)
        yield piece
      }
    } catch (error) {
      refused = { error }
      throw error
    }
  }
  const Body = Readable.from(counted(), { highWaterMark: 1 })
  try {
    const { client, Upload } = await load()
    const parts = { queueSize: PARTS_AT_A_TIME, partSize: PART_BYTES }
    await new Upload({ client, params: { Bucket, Key: key(name), Body }, ...parts }).done()
    return { bytes, sha256: hash.digest('hex') }
  } catch (thrown) {
    Body.destroy()
    throw whatFailed(refused, thrown)
  }
}

/** Where the bytes themselves could not be had, or were too many, the storage is not at fault. */
function whatFailed(refused: { readonly error: unknown } | null, thrown: unknown): unknown {
  return refused === null ? asBucketFailure(thrown) : asStorageFailure(refused.error)
}

async function open({ load, name: Bucket, key, temporary }: Context, name: string) {
  return orNull(async () => {
    const { client, s3 } = await load()
    const asked = new s3.GetObjectCommand({ Bucket, Key: key(name) })
    const { Body, ContentLength } = await client.send(asked, { requestTimeout: ASK_TIMEOUT })
    return openFetched(Body as Readable, ContentLength ?? 0, temporary)
  })
}

async function changedAt({ load, name: Bucket, key }: Context, name: string): Promise<number | null> {
  return orNull(async () => {
    const { client, s3 } = await load()
    const asked = new s3.HeadObjectCommand({ Bucket, Key: key(name) })
    const { LastModified } = await client.send(asked, { requestTimeout: ASK_TIMEOUT })
    return LastModified?.getTime() ?? Date.now()
  })
}

async function remove({ load, name: Bucket, key }: Context, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await orFailure(async () => {
    const { client, s3 } = await load()
    const options = { requestTimeout: ASK_TIMEOUT }
    if (names.length <= FEW) {
      for (const name of names) await client.send(new s3.DeleteObjectCommand({ Bucket, Key: key(name) }), options)
      return
    }
    const Objects = names.map((name) => ({ Key: key(name) }))
    const { Errors = [] } = await client.send(
      new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
      options,
    )
    const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
    if (first !== undefined) throw Object.assign(new Error(first.Message), { name: first.Code })
  })
}

async function* list({ load, name: Bucket, prefix }: Context): AsyncGenerator<readonly string[]> {
  const { client, s3 } = await orFailure(load)
  let ContinuationToken: string | undefined
  do {
    const asked = new s3.ListObjectsV2Command({ Bucket, Prefix: prefix, ContinuationToken })
    const page: ListObjectsV2CommandOutput = await orFailure(() => client.send(asked, { requestTimeout: ASK_TIMEOUT }))
    yield (page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length)).filter((name) => name !== '')
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
}

/** Ends uploads of several parts of which a process that died has left the half: their bytes are paid for, and seen by nobody. */
async function abortAbandoned({ load, name: Bucket, prefix, abandonedAfterMs }: Context): Promise<void> {
  await orFailure(async () => {
    const { client, s3 } = await load()
    const options = { requestTimeout: ASK_TIMEOUT }
    const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: prefix }), options)
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Initiated === undefined || Date.now() - Initiated.getTime() <= abandonedAfterMs) continue
      const ended = client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options)
      await ended.catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
    }
  })
}

async function orFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw asBucketFailure(thrown)
  }
}

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (thrown) {
    if (isMissing(thrown)) return null
    throw asBucketFailure(thrown)
  }
}
