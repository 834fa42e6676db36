// Where the bytes of files and of batches lie.
import { join } from 'node:path'
import { hasSeveralCallers, type Config } from '../config/load.ts'
import type { BlobStore } from '../files/blob-store.ts'
import { createDiskBlobs } from '../files/disk-blobs.ts'
import { createFiles, type Files } from '../files/files.ts'
import { createS3Blobs } from '../files/s3-blobs.ts'
import type { Database } from '../store/database.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'

/** Before that, nothing is held for left behind: a disk may be slow, and a clock wrong. */
const LEAST_STALE_SECONDS = 15 * 60
/** An upload to a bucket is dated by its beginning, and may be a slow one. */
const ABANDONED_SECONDS = 24 * 3600

const staleAfterMs = (config: Config): number =>
  Math.max(LEAST_STALE_SECONDS, 2 * config.GATEWAY_BODY_IDLE_SECONDS) * 1000

/** Creates the store of the bytes of files, or of the results of batches. */
export function createBlobs(config: Config, root: 'files' | 'batches'): BlobStore {
  if (config.GATEWAY_S3_BUCKET === null) return createDiskBlobs(blobFolder(config, root), staleAfterMs(config))
  return createS3Blobs({
    name: config.GATEWAY_S3_BUCKET,
    endpoint: config.GATEWAY_S3_ENDPOINT,
    prefix: `${config.GATEWAY_S3_PREFIX}${root}/`,
    temporary: join(config.GATEWAY_DATA_DIR, 'fetched'),
    abandonedAfterMs: ABANDONED_SECONDS * 1000,
  })
}

const blobFolder = ({ GATEWAY_SHARED_DIR, GATEWAY_DATA_DIR }: Config, root: string): string =>
  join(GATEWAY_SHARED_DIR ?? GATEWAY_DATA_DIR, root)

/** What stored files are made of, beside their settings. */
export interface FileParts {
  readonly database: Database
  readonly shared: SharedRedis | null
  readonly log: Log
}

/** Creates what keeps the files of clients. */
export function createStoredFiles(config: Config, { database, shared, log }: FileParts): Files {
  const isAlone = shared === null && config.GATEWAY_S3_BUCKET === null && config.GATEWAY_SHARED_DIR === null
  return createFiles(database, {
    blobs: createBlobs(config, 'files'),
    shared,
    ownFolder: isAlone ? blobFolder(config, 'files') : null,
    ttlSeconds: config.GATEWAY_FILE_TTL_SECONDS,
    maxBytes: config.GATEWAY_MAX_STORED_BYTES,
    isShared: hasSeveralCallers(config),
    maxDocumentBytes: config.GATEWAY_MAX_DOCUMENT_BYTES,
    staleAfterMs: staleAfterMs(config),
    onMissing: (id) =>
      log.warn(
        { file: id },
        'the bytes of a stored file are not here: do all gateways of this Redis share a folder or a bucket?',
      ),
    onError: (error) => log.error({ err: error }, 'stored files could not be swept'),
  })
}
