import { randomUUID } from 'node:crypto'
import type { LoadedClient } from '../../gateway/files/s3-client.ts'

/** What a storage has answered, without what differs from one time to the next. */
export type Answers = Readonly<Record<string, unknown>>

const PART = 5 * 1024 * 1024

/** Has a conversation with a storage about everything that the gateway asks of one; nothing of it is left. */
export async function converse({ client, s3 }: LoadedClient, Bucket: string): Promise<Answers> {
  const folder = `conversation-${randomUUID()}`
  const key = (name: string) => ({ Bucket, Key: `${folder}/${name}` })
  const answers: Record<string, unknown> = {}
  const ask = async <T extends object>(name: string, asked: Promise<T>): Promise<Partial<T>> => {
    const answer: Partial<T> & Failure = await asked.catch((error: Failure) => error as Partial<T> & Failure)
    answers[name] = await told(answer, folder)
    return answer
  }
  const put = (name: string, Body: string | Buffer) => client.send(new s3.PutObjectCommand({ ...key(name), Body }))
  const get = (name: string, Range?: string) => client.send(new s3.GetObjectCommand({ ...key(name), Range }))

  await ask('put', put('a', 'hello world'))
  await ask('put nothing', put('empty', Buffer.alloc(0)))
  await ask('get', get('a'))
  await ask('get nothing', get('empty'))
  await ask('get a range', get('a', 'bytes=6-8'))
  await ask('get behind the end', get('a', 'bytes=99-'))
  await ask('get what is not there', get('none'))
  await ask('head', client.send(new s3.HeadObjectCommand(key('a'))))
  await ask('head what is not there', client.send(new s3.HeadObjectCommand(key('none'))))
  await ask(
    'a bucket that is not there',
    client.send(new s3.GetObjectCommand({ Bucket: 'no-such-bucket-7', Key: 'a' })),
  )
  const list = (more: object) =>
    client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: `${folder}/`, MaxKeys: 1, ...more }))
  const { NextContinuationToken: token } = await ask('list', list({}))
  await ask('list on', list({ ContinuationToken: token }))

  const begun = await client.send(new s3.CreateMultipartUploadCommand({ ...key('big'), ChecksumAlgorithm: 'CRC32' }))
  const upload = { ...key('big'), UploadId: begun.UploadId }
  const part = (PartNumber: number, bytes: number) =>
    client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body: Buffer.alloc(bytes, PartNumber) }))
  const first = await ask('part', part(1, PART))
  const second = await ask('last part', part(2, 3))
  await ask('half uploads', client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: `${folder}/` })))
  const complete = (parts: readonly Sum[]) => {
    const Parts = parts.map(({ ETag, ChecksumCRC32 }, index) => ({ ETag, ChecksumCRC32, PartNumber: index + 1 }))
    return client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  }
  await ask('complete without checksums', complete([{ ETag: first.ETag }, { ETag: second.ETag }]))
  await ask('complete with another part', complete([first, first]))
  await ask('complete', complete([first, second]))
  await ask('head in parts', client.send(new s3.HeadObjectCommand(key('big'))))
  await ask('part of what is over', part(3, 3))
  await ask('abort what is over', client.send(new s3.AbortMultipartUploadCommand(upload)))
  await ask('delete', client.send(new s3.DeleteObjectCommand(key('a'))))
  await ask('delete what is not there', client.send(new s3.DeleteObjectCommand(key('a'))))
  const Objects = ['a', 'empty', 'big'].map((name) => ({ Key: key(name).Key }))
  await ask('delete many', client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })))
  await ask('list nothing', list({}))
  return answers
}

interface Sum {
  readonly ETag?: string | undefined
  readonly ChecksumCRC32?: string | undefined
}

interface Failure {
  readonly name?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const FIELDS = ['ETag', 'ChecksumCRC32', 'ContentLength', 'ContentRange', 'KeyCount', 'IsTruncated', 'Errors'] as const
/** Of what differs each time, whether it is there. */
const PRESENT = ['LastModified', 'UploadId', 'NextContinuationToken'] as const

async function told(answer: Failure & object, folder: string): Promise<unknown> {
  const { name, $metadata } = answer
  const fields = answer as Readonly<Record<string, unknown>>
  const body = fields['Body'] as { transformToString: () => Promise<string> } | undefined
  const listed = (fields['Contents'] ?? fields['Uploads']) as
    readonly { Key: string; Size?: number; Initiated?: Date }[] | undefined
  const status = $metadata?.httpStatusCode ?? null
  if (answer instanceof Error) return { status, error: name }
  return {
    status,
    ...Object.fromEntries(FIELDS.filter((each) => fields[each] !== undefined).map((each) => [each, fields[each]])),
    has: PRESENT.filter((each) => fields[each] !== undefined),
    ...(body === undefined ? {} : { body: await body.transformToString() }),
    ...(listed === undefined
      ? {}
      : {
          listed: listed.map(({ Key, Size, Initiated }) => [
            Key.replace(`${folder}/`, ''),
            Size ?? null,
            Initiated instanceof Date,
          ]),
        }),
  }
}
