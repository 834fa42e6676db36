import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Who may ask. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** What S3 calls a request that it refuses. */
export interface S3Refusal {
  readonly status: number
  readonly code: string
}

/** Clocks may differ by a quarter of an hour. */
const MAX_SKEW_MS = 15 * 60 * 1000
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

/**
 * Checks the signature of a request by making it again, as
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html describes; null: it is right.
 */
export function refuseSignature(
  request: IncomingMessage,
  body: Buffer,
  { accessKeyId, secretAccessKey }: Credentials,
): S3Refusal | null {
  const parsed = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (parsed === null) return { status: 403, code: 'AccessDenied' }
  const [, id = '', day = '', region = '', signedHeaders = '', signature = ''] = parsed
  if (id !== accessKeyId) return { status: 403, code: 'InvalidAccessKeyId' }
  const time = String(request.headers['x-amz-date'])
  if (!time.startsWith(day) || Math.abs(timeOf(time) - Date.now()) > MAX_SKEW_MS)
    return { status: 403, code: 'RequestTimeTooSkewed' }
  const payload = String(request.headers['x-amz-content-sha256'])
  if (/^[0-9a-f]{64}$/.test(payload) && payload !== sha256(body))
    return { status: 400, code: 'XAmzContentSHA256Mismatch' }
  if (!['host', 'x-amz-date', 'x-amz-content-sha256'].every((name) => signedHeaders.split(';').includes(name)))
    return { status: 403, code: 'AccessDenied' }
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical(request, signedHeaders, payload))}`
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretAccessKey}`,
  )
  const isRight = timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))
  return isRight ? null : { status: 403, code: 'SignatureDoesNotMatch' }
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()

function timeOf(text: string): number {
  const [, year, month, day, hours, minutes, seconds] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? []
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
}

function canonical(request: IncomingMessage, signedHeaders: string, payload: string): string {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const pairs = query === '' ? [] : query.split('&').map((pair) => (pair.includes('=') ? pair : `${pair}=`))
  const headers = signedHeaders.split(';').map(
    (name) =>
      `${name}:${String(request.headers[name] ?? '')
        .trim()
        .replaceAll(/ +/g, ' ')}\n`,
  )
  return [request.method, path, pairs.toSorted().join('&'), headers.join(''), signedHeaders, payload].join('\n')
}
