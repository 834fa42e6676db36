import type * as S3 from '@aws-sdk/client-s3'
import type * as LibStorage from '@aws-sdk/lib-storage'
import { GatewayError } from '../errors.ts'

/** A bucket of an S3-compatible storage. */
export interface Bucket {
  readonly name: string
  /** Null: AWS. Any other server is asked for `endpoint/bucket/key`. */
  readonly endpoint: string | null
}

/** The library, and a client for the bucket. */
export interface LoadedClient {
  readonly client: S3.S3Client
  readonly s3: typeof S3
  readonly Upload: typeof LibStorage.Upload
}

/** In milliseconds. */
const CONNECT_TIMEOUT = 5000
/** Until a request is answered that sends megabytes; it may be a slow line. */
const SEND_TIMEOUT = 120_000
/** Until any other is answered. */
export const ASK_TIMEOUT = 10_000
/** Each download, and each document that is being fetched, has a connection. */
const MAX_SOCKETS = 500

/**
 * Returns what loads the library when it is first needed: it takes 0.2 s and 25 MB. Credentials and the region are found as
 * by every program for AWS: in the environment, a file, or the machine's role.
 */
export function loadClient({ endpoint }: Bucket): () => Promise<LoadedClient> {
  let loaded: Promise<LoadedClient> | null = null
  return () => (loaded ??= load(endpoint))
}

async function load(endpoint: string | null): Promise<LoadedClient> {
  const [s3, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')])
  const agent = { maxSockets: MAX_SOCKETS }
  const options = {
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    // A body that is compared on the way would not end with whoever reads it.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: SEND_TIMEOUT,
      throwOnRequestTimeout: true,
      // A download stands still as long as its client takes nothing.
      socketTimeout: 0,
      httpAgent: agent,
      httpsAgent: agent,
    },
  } as const
  const client = new s3.S3Client(options)
  if (endpoint === null || (await hasRegion(client))) return { client, s3, Upload }
  client.destroy()
  return { client: new s3.S3Client({ ...options, region: DEFAULT_REGION }), s3, Upload }
}

/** What servers other than AWS call theirs, where nobody has said anything else. */
const DEFAULT_REGION = 'us-east-1'

const hasRegion = (client: S3.S3Client): Promise<boolean> =>
  client.config.region().then(
    () => true,
    () => false,
  )

interface Failure {
  readonly name?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** What storages call one that has no room. */
const FULL_NAMES: ReadonlySet<unknown> = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
])

/** Tells whether a storage has said that there is no such thing. */
export function isMissing(thrown: unknown): boolean {
  const { name, $metadata } = Object(thrown) as Failure
  return $metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket'
}

/** Says what a failure of the storage means; the log is told what the storage has said. */
export function asBucketFailure(thrown: unknown): unknown {
  if (thrown instanceof GatewayError) return thrown
  const { name = 'Error', message = '', $metadata } = Object(thrown) as Failure
  const status = $metadata?.httpStatusCode
  const cause = new Error(`S3: ${name}${status === undefined ? '' : ` (${status})`}: ${message}`)
  if (FULL_NAMES.has(name) || status === 507) {
    const full = 'The storage of files is full; nothing of the file was kept. Its operator has to make room.'
    return new GatewayError('storage_full', full, { cause })
  }
  const away = 'The storage in which this gateway keeps files does not answer as it should. Send the request again.'
  return new GatewayError('storage_unavailable', away, { cause })
}
