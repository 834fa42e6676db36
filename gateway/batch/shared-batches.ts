import type { BlobStore } from '../files/blob-store.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'
import { createBullQueue } from './bull-queue.ts'
import { findEnds } from './find-ends.ts'
import { createKeptBatchStore } from './kept-rows.ts'
import type { BatchQueue } from './queue.ts'
import type { LeftRow } from './redis-row.ts'
import { createRedisBatchStore } from './redis-store.ts'
import type { BatchStore } from './store.ts'

/** What replicas share their batches with. */
export interface SharedBatchesOptions {
  readonly shared: SharedRedis
  readonly blobs: BlobStore
  /** How many lines this process takes at a time, at most. */
  readonly lines: number
  readonly lifecycle: { readonly draining: boolean }
  readonly log: Log
}

/** Rows that are left out are looked at again and again: each reason is told once. */
function tellOfLeft(log: Log): (error: LeftRow) => void {
  const told = new Set<string>()
  return (error) => {
    if (!told.has(error.code)) log.warn({ err: error }, 'a batch is left alone, and others go on')
    told.add(error.code)
  }
}

/** Creates the store and the queue of batches for replicas that share a Redis. */
export function createSharedBatches({ shared, blobs, lines, lifecycle, log }: SharedBatchesOptions): {
  readonly store: BatchStore
  readonly queue: BatchQueue
} {
  const store = createKeptBatchStore({
    store: createRedisBatchStore(shared, tellOfLeft(log)),
    blobs,
    findEnds: (batch) => findEnds(batch, blobs),
    onError: (error) =>
      log.error({ err: error }, 'how far a batch is was not kept beside its answers, or not read from there'),
  })
  const queue = createBullQueue({
    shared,
    lines,
    unended: () => store.allUnended(),
    wasEmptied: () => store.wasEmptied(),
    lifecycle,
    // Redis that is away says so itself, once.
    onError: (error) => log.debug({ err: error }, 'the queue of batches tries again'),
  })
  return { store, queue }
}
