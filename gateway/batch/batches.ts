import { GatewayError } from '../errors.ts'
import { newId } from '../files/ids.ts'
import type { FileStore } from '../files/file-store.ts'
import type { BatchWishes } from '../request/batch.ts'
import { hasEnded, NO_USAGE, type Batch } from './batch.ts'
import { createIndexCache } from './index-cache.ts'
import { startKeeper } from './keeper.ts'
import { createLateWords } from './late-words.ts'
import { nowInSeconds, timesWith } from './life-cycle.ts'
import { createRunner, type RunnerServices } from './runner.ts'
import type { BatchOverview, BatchPage } from './store.ts'

/** The batches of requests, each of the key that made it. */
export interface Batches {
  /** Begins a batch. Throws `file_not_found`, `invalid_value` for a file that is none of requests, and `queue_full`. */
  create(wishes: BatchWishes, owner: string, requestId: string): Promise<Batch>
  /** Throws `batch_not_found`. */
  find(owner: string, id: string): Promise<Batch>
  /** Lists behind an id; null: the newest. */
  list(owner: string, after: string | null, limit: number): Promise<BatchPage>
  /** Ends a batch before its time: what is done is kept. Throws `batch_not_found`, and `invalid_value` for one that has ended. */
  cancel(owner: string, id: string): Promise<Batch>
  /** Those of all owners, for operators. */
  overview(): Promise<BatchOverview>
  close(): Promise<void>
}

/** What batches are kept and run with. */
export interface BatchesOptions extends Omit<RunnerServices, 'indexes' | 'files' | 'onEnded'> {
  readonly files: FileStore
  /** Told of each batch that has ended, at least once; again where it throws. */
  readonly onEnded?: (batch: Batch) => Promise<void>
}

/** As OpenAI has it. */
const MAX_BYTES = 200 * 1024 * 1024
/** The most batches of a key that have not ended. */
const MAX_UNENDED = 100

/** Creates the batches, and begins to run those that wait. */
export function createBatches({ onEnded = async () => {}, ...options }: BatchesOptions): Batches {
  const { store, queue, blobs } = options
  const services: RunnerServices = { ...options, onEnded, indexes: createIndexCache(blobs) }
  const runner = createRunner(services)
  const words = createLateWords(services)
  const keeper = startKeeper(services, words)

  async function find(owner: string, id: string): Promise<Batch> {
    const batch = await store.find(owner, id)
    if (batch === null) throw notFound(id)
    return batch
  }

  return {
    async create(wishes, owner, requestId) {
      await checkFile(options.files, wishes, owner)
      if ((await store.unended(owner)) >= MAX_UNENDED) throw tooMany()
      const batch = newBatch(wishes, owner, requestId)
      await store.add(batch)
      // It is there, whoever knows: an error would have its client make another one.
      await words.tell(batch)
      return batch
    },
    find,
    list: (owner, after, limit) => store.list(owner, after, limit),
    async cancel(owner, id) {
      const batch = await find(owner, id)
      if (batch.status === 'cancelling' || batch.status === 'cancelled') return batch
      if (hasEnded(batch)) throw isOver(batch)
      const times = timesWith(batch.times, 'cancelling')
      const cancelled = await store.change(id, CANCELLABLE, { status: 'cancelling', times })
      // It has ended, or was cancelled, at this moment.
      if (cancelled === null) return this.cancel(owner, id)
      await words.tell(cancelled)
      return cancelled
    },
    overview: () => store.overview(),
    async close() {
      await keeper.close()
      await runner.close()
      await queue.close()
    },
  }
}

const CANCELLABLE = ['validating', 'in_progress', 'finalizing'] as const

async function checkFile(files: FileStore, { inputFileId }: BatchWishes, owner: string): Promise<void> {
  const { bytes, purpose } = await files.find(owner, inputFileId, 'input_file_id')
  if (purpose !== 'batch') {
    throw invalid(`the purpose of the file is ${JSON.stringify(purpose)}. Upload it with the purpose "batch"`)
  }
  if (bytes > MAX_BYTES) throw invalid(`the file has ${bytes} bytes, and may have ${MAX_BYTES}. Split it`)
}

function newBatch(wishes: BatchWishes, owner: string, requestId: string): Batch {
  const { windowSeconds, ...asked } = wishes
  const created = nowInSeconds()
  const never = { inProgress: null, finalizing: null, completed: null, failed: null, expired: null }
  return {
    id: newId('batch_'),
    owner,
    requestId,
    ...asked,
    status: 'validating',
    model: null,
    times: { created, expires: created + windowSeconds, ...never, cancelling: null, cancelled: null },
    problems: [],
    outputFileId: null,
    errorFileId: null,
    lines: 0,
    counts: { total: 0, completed: 0, failed: 0 },
    usage: NO_USAGE,
  }
}

function invalid(problem: string): GatewayError {
  return new GatewayError('invalid_value', `input_file_id: ${problem}.`, { param: 'input_file_id' })
}

function notFound(id: string): GatewayError {
  return new GatewayError(
    'batch_not_found',
    `There is no batch ${JSON.stringify(id.slice(0, 100))}: another key made it, or it ended more than 30 days ago.`,
    { param: 'batch_id' },
  )
}

function tooMany(): GatewayError {
  return new GatewayError(
    'queue_full',
    `${MAX_UNENDED} batches of this key have not ended. Create another one when some of them have.`,
    { retryAfterSeconds: 60 },
  )
}

function isOver({ status }: Batch): GatewayError {
  return new GatewayError('invalid_value', `Cannot cancel a batch with status '${status}': it has ended.`, {
    param: 'batch_id',
  })
}
