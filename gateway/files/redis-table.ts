import type { SharedRedis } from '../store/redis.ts'
import type { FileTable, StoredCounts } from './file-table.ts'
import { isFull, type Limits } from './quota.ts'
import { listFiles, readFile } from './redis-list.ts'
import * as scripts from './redis-scripts.ts'
import type { StoredFile } from './stored-file.ts'
import { nowInSeconds } from './clock.ts'
import type { Upload, UploadPart } from './upload.ts'

/** Runs a script over the table's keys. */
type RunScript = <Reply>(text: string, ...values: readonly (string | number)[]) => Promise<Reply>

/** What a script says that adds something. */
type Added = 'ok' | 'over' | keyof Limits

/** Keeps the table in Redis, for all gateways that share it. */
export function createRedisTable(shared: SharedRedis): FileTable {
  const prefix = `${shared.prefix}files:`
  const run: RunScript = <Reply>(text: string, ...values: readonly (string | number)[]) =>
    shared.run((redis) => redis.eval(text, 1, prefix, ...values) as Promise<Reply>)
  return {
    ...filesIn(shared, prefix, run),
    ...uploadsIn(shared, prefix, run),
    unowned: async (ids) => (ids.length === 0 ? [] : run<string[]>(scripts.UNOWNED, ...ids)),
    secret: (name, make) => secretIn(shared, `${prefix}secret:${name}`, make),
    isFilled: () => shared.run(async (redis) => (await redis.exists(`${prefix}filled`)) === 1),
    filled: () => shared.run(async (redis) => void (await redis.set(`${prefix}filled`, '1'))),
    claim: (duty, seconds) =>
      shared.run(async (redis) => (await redis.set(`${prefix}duty:${duty}`, '1', 'EX', seconds, 'NX')) !== null),
  }
}

type Files = Pick<
  FileTable,
  'addFile' | 'findFile' | 'listFiles' | 'removeFile' | 'stored' | 'expiredFiles' | 'forgetFiles'
>

function filesIn(shared: SharedRedis, prefix: string, run: RunScript): Files {
  return {
    async addFile(owner, file, limits) {
      expectAdded(await run(scripts.ADD_FILE, ...asFile(owner, file), ...asLimits(limits)), limits)
    },
    async findFile(owner, id) {
      const found = readFile(await shared.run((redis) => redis.get(`${prefix}F:${id}`)))
      if (found === null || (owner !== null && found.owner !== owner)) return null
      return found.file.expiresAt > nowInSeconds() ? found.file : null
    },
    listFiles: (owner, query) => listFiles(shared, prefix, owner, query),
    removeFile: async (owner, id) => (await run<number>(scripts.FORGET_FILES, 'of', owner, id)) > 0,
    async stored(owner): Promise<StoredCounts> {
      const key = owner === null ? `${prefix}stored` : `${prefix}stored:${owner}`
      const [items = 0, bytes = 0, files = 0] = await shared.run((redis) => redis.hmget(key, 'items', 'bytes', 'files'))
      return { items: Number(items), bytes: Number(bytes), files: Number(files) }
    },
    expiredFiles: (limit) => run<string[]>(scripts.EXPIRED_FILES, limit),
    forgetFiles: async (ids) => void (await run(scripts.FORGET_FILES, 'any', '', ...ids)),
  }
}

type Uploads = Pick<
  FileTable,
  | 'addUpload'
  | 'findUpload'
  | 'partsOf'
  | 'addPart'
  | 'completeUpload'
  | 'cancelUpload'
  | 'givenUpUploads'
  | 'giveUp'
  | 'forgetOldUploads'
>

function uploadsIn(shared: SharedRedis, prefix: string, run: RunScript): Uploads {
  return {
    async addUpload(owner, upload, limits) {
      const { id, expiresAt } = upload
      const values = [id, owner, JSON.stringify(upload), expiresAt, ...asLimits(limits)]
      expectAdded(await run(scripts.ADD_UPLOAD, ...values), limits)
    },
    async findUpload(owner, id) {
      const found = await shared.run((redis) => redis.hgetall(`${prefix}U:${id}`))
      return found['owner'] === owner ? readUpload(found) : null
    },
    async partsOf(uploadId) {
      const found = await shared.run((redis) => redis.hgetall(`${prefix}parts:${uploadId}`))
      return Object.values(found).map((text) => JSON.parse(text) as UploadPart)
    },
    async addPart(_owner, uploadId, part, limits) {
      const values = [uploadId, part.id, JSON.stringify(part), part.bytes, ...asLimits(limits)]
      return expectAdded(await run(scripts.ADD_PART, ...values), limits)
    },
    completeUpload: (owner, uploadId, file) =>
      run<string[] | null>(scripts.COMPLETE_UPLOAD, uploadId, ...asFile(owner, file)),
    cancelUpload: (uploadId) => run<string[]>(scripts.CANCEL_UPLOAD, uploadId),
    async givenUpUploads(limit) {
      const found = await run<[string, string[]][]>(scripts.GIVEN_UP, limit)
      return found.map(([id, partIds]) => ({ id, partIds }))
    },
    giveUp: async (uploadId) => void (await run(scripts.GIVE_UP, uploadId)),
    forgetOldUploads: async (limit) => (await run<number>(scripts.FORGET_OLD_UPLOADS, limit)) > 0,
  }
}

/** The first of all gateways that needs a secret makes it. */
async function secretIn(shared: SharedRedis, key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const find = () => shared.run((redis) => redis.getBuffer(key))
  const found = await find()
  if (found !== null) return found
  const made = Buffer.from(await make())
  await shared.run((redis) => redis.set(key, made, 'NX'))
  return (await find()) ?? made
}

const asFile = (owner: string, file: StoredFile): (string | number)[] => [
  file.id,
  owner,
  JSON.stringify({ owner, ...file }),
  file.bytes,
  file.expiresAt,
]

const asLimits = (limits: Limits | null): (string | number)[] =>
  limits === null ? ['', ''] : [limits.all, limits.owner]

/** Returns whether it was added, or was there. */
function expectAdded(reply: Added, limits: Limits | null): boolean {
  if (limits !== null && (reply === 'all' || reply === 'owner')) throw isFull(reply, limits)
  return reply === 'ok'
}

function readUpload({ json = '', status = '', file = '' }: Readonly<Record<string, string>>): Upload {
  const upload = { ...(JSON.parse(json) as Upload), status: status as Upload['status'], fileId: file || null }
  return upload.status === 'pending' && upload.expiresAt <= nowInSeconds() ? { ...upload, status: 'expired' } : upload
}
