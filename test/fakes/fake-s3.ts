import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { refuseSignature, type Credentials, type S3Refusal } from './fake-s3-signature.ts'

/** A bucket that speaks as S3 does, for the requests that the gateway makes. */
export interface FakeS3 extends AsyncDisposable {
  readonly url: string
  readonly bucket: string
  readonly credentials: Credentials
  /** What is stored, by key. */
  readonly objects: Map<string, StoredObject>
  /** Uploads of several parts that were neither completed nor aborted, by id. */
  readonly uploads: Map<string, HalfUpload>
  /** All that was asked: `PUT key`, `POST key?uploads`. */
  readonly asked: string[]
  /** Decides what is refused; returns null for what is not. */
  refuse: (asked: string) => S3Refusal | null
}

export interface StoredObject {
  readonly bytes: Buffer
  readonly etag: string
  /** Its clock is its own. */
  changedAt: Date
}

export interface HalfUpload {
  readonly key: string
  readonly parts: Map<number, Buffer>
  /** Whether each part is to be named with its checksum. */
  readonly hasSums: boolean
  begunAt: Date
}

export interface FakeS3Options {
  /** Keys in a page of a list. */
  readonly pageSize?: number
}

const LEAST_PART_BYTES = 5 * 1024 * 1024

class Refused extends Error {
  readonly refusal: S3Refusal
  constructor(status: number, code: string) {
    super(code)
    this.refusal = { status, code }
  }
}

interface Asked {
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** Starts it on a free port of 127.0.0.1. */
export async function startFakeS3({ pageSize = 1000 }: FakeS3Options = {}): Promise<FakeS3> {
  const bucket = 'ocr-files'
  const credentials = { accessKeyId: 'AKIAFAKE', secretAccessKey: 'secret/with+signs' }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fake: FakeS3 = {
    url: `http://127.0.0.1:${port}`,
    bucket,
    credentials,
    objects: new Map(),
    uploads: new Map(),
    asked: [],
    refuse: () => null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await wholeBody(request).catch(() => null)
    if (sent === null) return
    try {
      const { pathname, searchParams: query, search } = new URL(request.url ?? '', fake.url)
      const [, name, ...rest] = decodeURIComponent(pathname).split('/')
      const asked = `${request.method} ${rest.join('/')}${search}`
      fake.asked.push(asked)
      const refusal = refuseSignature(request, sent, credentials) ?? fake.refuse(asked)
      if (refusal !== null) throw new Refused(refusal.status, refusal.code)
      if (name !== bucket) throw new Refused(404, 'NoSuchBucket')
      const body = checkedBody(request.headers, sent)
      send(
        response,
        answer(
          fake,
          { method: request.method ?? '', key: rest.join('/'), query, headers: request.headers, body },
          pageSize,
        ),
      )
    } catch (error) {
      const { status, code } = error instanceof Refused ? error.refusal : { status: 500, code: 'InternalError' }
      send(response, {
        status,
        ...(request.method === 'HEAD'
          ? {}
          : { body: xml(`<Error><Code>${code}</Code><Message>${code}</Message><RequestId>1</RequestId></Error>`) }),
      })
    }
  }
  return fake
}

async function wholeBody(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray())
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, {
    'x-amz-request-id': randomUUID(),
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  })
  response.end(body)
}

/** Takes a body out of the chunks that the SDK may wrap it into, and compares its checksum. */
function checkedBody(headers: IncomingMessage['headers'], sent: Buffer): Buffer {
  const isChunked = headers['content-encoding'] === 'aws-chunked'
  const { body, trailer } = isChunked ? unchunk(sent) : { body: sent, trailer: null }
  if (isChunked && Number(headers['x-amz-decoded-content-length']) !== body.length)
    throw new Refused(400, 'IncompleteBody')
  const given = trailer ?? headers['x-amz-checksum-crc32']
  if (given !== undefined && given !== checksum(body)) throw new Refused(400, 'BadDigest')
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) throw new Refused(400, 'BadDigest')
  return body
}

function checksum(bytes: Buffer): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

function unchunk(sent: Buffer): { readonly body: Buffer; readonly trailer: string | null } {
  const pieces: Buffer[] = []
  for (let at = 0; ;) {
    const end = sent.indexOf('\r\n', at)
    const length = parseInt(sent.toString('latin1', at, end), 16)
    const start = end + 2
    if (length === 0) {
      const trailer = /^x-amz-checksum-crc32:(\S+)/m.exec(sent.toString('latin1', start))?.[1] ?? null
      return { body: Buffer.concat(pieces), trailer }
    }
    pieces.push(sent.subarray(start, start + length))
    at = start + length + 2
  }
}

const xml = (content: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${content}`
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const ok = (content: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: xml(content),
})
const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`

function answer(fake: FakeS3, asked: Asked, pageSize: number): Answer {
  const { method, key, query } = asked
  if (key === '') {
    if (method === 'GET' && query.get('list-type') === '2') return listObjects(fake, query, pageSize)
    if (method === 'GET' && query.has('uploads')) return listUploads(fake, query)
    if (method === 'POST' && query.has('delete')) return deleteObjects(fake, asked)
    throw new Refused(405, 'MethodNotAllowed')
  }
  if (query.has('uploads') || query.has('uploadId')) return multipart(fake, asked)
  if (method === 'PUT') return put(fake, key, asked.body)
  if (method === 'GET' || method === 'HEAD') return get(fake, asked)
  if (method === 'DELETE') {
    fake.objects.delete(key)
    return { status: 204 }
  }
  throw new Refused(405, 'MethodNotAllowed')
}

function put(fake: FakeS3, key: string, bytes: Buffer, etag = etagOf(bytes)): Answer {
  fake.objects.set(key, { bytes, etag, changedAt: new Date() })
  return { status: 200, headers: { etag, 'x-amz-checksum-crc32': checksum(bytes) } }
}

function get(fake: FakeS3, { method, key, headers }: Asked): Answer {
  const found = fake.objects.get(key)
  if (found === undefined) throw new Refused(404, method === 'HEAD' ? 'NotFound' : 'NoSuchKey')
  const { bytes, etag, changedAt } = found
  const facts = { etag, 'last-modified': changedAt.toUTCString(), 'accept-ranges': 'bytes' }
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  if (range === null) {
    if (method === 'HEAD') return { status: 200, headers: { ...facts, 'content-length': String(bytes.length) } }
    return { status: 200, headers: { ...facts, 'content-type': 'application/octet-stream' }, body: bytes }
  }
  const start = Number(range[1])
  const end = Math.min(range[2] === '' ? Infinity : Number(range[2]), bytes.length - 1)
  if (start >= bytes.length) throw new Refused(416, 'InvalidRange')
  const part = { ...facts, 'content-range': `bytes ${start}-${end}/${bytes.length}` }
  return { status: 206, headers: part, body: bytes.subarray(start, end + 1) }
}

function deleteObjects({ objects }: FakeS3, { body, headers }: Asked): Answer {
  if (headers['content-md5'] === undefined && headers['x-amz-checksum-crc32'] === undefined)
    throw new Refused(400, 'InvalidRequest')
  const text = body.toString('utf8')
  const keys = [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key.replaceAll('&amp;', '&'))
  if (keys.length === 0 || keys.length > 1000) throw new Refused(400, 'MalformedXML')
  for (const key of keys) objects.delete(key)
  const deleted = text.includes('<Quiet>true</Quiet>')
    ? ''
    : keys.map((key) => `<Deleted><Key>${escaped(key)}</Key></Deleted>`).join('')
  return ok(`<DeleteResult>${deleted}</DeleteResult>`)
}

function listObjects({ objects, bucket }: FakeS3, query: URLSearchParams, pageSize: number): Answer {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? ''
  const found = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted()
  const page = found.slice(0, Math.min(pageSize, Number(query.get('max-keys') ?? pageSize)))
  const isTruncated = page.length < found.length
  const contents = page.map((key) => {
    const { bytes, etag, changedAt } = objects.get(key)!
    return `<Contents><Key>${escaped(key)}</Key><LastModified>${changedAt.toISOString()}</LastModified><ETag>${escaped(etag)}</ETag><Size>${bytes.length}</Size></Contents>`
  })
  const next = isTruncated ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : ''
  return ok(
    `<ListBucketResult><Name>${bucket}</Name><KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
  )
}

function listUploads({ uploads, bucket }: FakeS3, query: URLSearchParams): Answer {
  const prefix = query.get('prefix') ?? ''
  const found = [...uploads].filter(([, { key }]) => key.startsWith(prefix))
  const listed = found.map(
    ([id, { key, begunAt }]) =>
      `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId><Initiated>${begunAt.toISOString()}</Initiated></Upload>`,
  )
  return ok(
    `<ListMultipartUploadsResult><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>${listed.join('')}</ListMultipartUploadsResult>`,
  )
}

function multipart(fake: FakeS3, { method, key, query, body, headers }: Asked): Answer {
  if (method === 'POST' && query.has('uploads')) {
    const id = randomUUID()
    const hasSums = headers['x-amz-checksum-algorithm'] === 'CRC32'
    fake.uploads.set(id, { key, parts: new Map(), hasSums, begunAt: new Date() })
    return ok(
      `<InitiateMultipartUploadResult><Bucket>${fake.bucket}</Bucket><Key>${escaped(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }
  const id = query.get('uploadId') ?? ''
  const upload = fake.uploads.get(id)
  if (upload === undefined || upload.key !== key) throw new Refused(404, 'NoSuchUpload')
  if (method === 'PUT') {
    upload.parts.set(Number(query.get('partNumber')), body)
    return { status: 200, headers: { etag: etagOf(body), 'x-amz-checksum-crc32': checksum(body) } }
  }
  if (method === 'DELETE') {
    fake.uploads.delete(id)
    return { status: 204 }
  }
  if (method === 'POST') return complete(fake, id, upload, body.toString('utf8'))
  throw new Refused(405, 'MethodNotAllowed')
}

function complete(fake: FakeS3, id: string, { key, parts, hasSums }: HalfUpload, text: string): Answer {
  const listed = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: /<ETag>(.*?)<\/ETag>/.exec(part)?.[1]?.replaceAll('&quot;', '"'),
    sum: /<ChecksumCRC32>(.*?)</.exec(part)?.[1],
  }))
  const pieces = listed.map(({ number, etag, sum }, index) => {
    const bytes = parts.get(number)
    if (hasSums && sum === undefined) throw new Refused(400, 'InvalidRequest')
    if (bytes === undefined || etagOf(bytes) !== etag || (hasSums && sum !== checksum(bytes)))
      throw new Refused(400, 'InvalidPart')
    if (index > 0 && listed[index - 1]!.number >= number) throw new Refused(400, 'InvalidPartOrder')
    if (index < listed.length - 1 && bytes.length < LEAST_PART_BYTES) throw new Refused(400, 'EntityTooSmall')
    return bytes
  })
  const digests = pieces.map((piece) => createHash('md5').update(piece).digest())
  const etag = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${pieces.length}"`
  const sumOfSums = checksum(Buffer.concat(pieces.map((piece) => Buffer.from(checksum(piece), 'base64'))))
  const sums = hasSums ? `<ChecksumCRC32>${sumOfSums}-${pieces.length}</ChecksumCRC32>` : ''
  put(fake, key, Buffer.concat(pieces), etag)
  fake.uploads.delete(id)
  return ok(
    `<CompleteMultipartUploadResult><Bucket>${fake.bucket}</Bucket><Key>${escaped(key)}</Key><ETag>${escaped(etag)}</ETag>${sums}</CompleteMultipartUploadResult>`,
  )
}
