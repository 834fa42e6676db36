import type { BlobStore } from '../files/blob-store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { hasEnded, type Batch, type BatchStatus, type BatchTimes } from './batch.ts'
import type { LinePages } from './line-pages.ts'
import { namesOf } from './names.ts'
import type { BatchQueue } from './queue.ts'
import type { BatchChange, BatchStore } from './store.ts'

/** What moves a batch from one status to the next. */
export interface LifeCycleServices {
  readonly store: BatchStore
  readonly queue: BatchQueue
  readonly blobs: BlobStore
  readonly pages: LinePages | null
  readonly log: Log
  readonly metrics: Metrics
  /** Told of each batch that has ended, at least once; again where it throws. */
  readonly onEnded: (batch: Batch) => Promise<void>
}

/** Returns the time, in seconds, as batches have it. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000)

/** Returns the times of a batch to which something happens now: never before what happened already, whatever this machine's clock says. */
export function timesWith(times: BatchTimes, name: Exclude<keyof BatchTimes, 'created' | 'expires'>): BatchTimes {
  const { expires: _, ...moments } = times
  return { ...times, [name]: Math.max(nowInSeconds(), ...Object.values(moments).filter((moment) => moment !== null)) }
}

/** Has the output of a batch written, when all of its lines have ended. */
export async function finalizeIfDone(batch: Batch | null, { store, queue }: LifeCycleServices): Promise<void> {
  if (batch?.status !== 'in_progress' || batch.counts.completed + batch.counts.failed < batch.lines) return
  const times = timesWith(batch.times, 'finalizing')
  const changed = await store.change(batch.id, ['in_progress'], { status: 'finalizing', times })
  if (changed !== null) await queue.push(changed)
}

/** How a batch can end. */
export type EndStatus = Extract<BatchStatus, 'completed' | 'failed' | 'expired' | 'cancelled'>

/** Ends a batch, unless its status is another now: false. */
export async function endBatch(
  batch: Batch,
  status: EndStatus,
  change: Omit<BatchChange, 'status' | 'times'>,
  services: LifeCycleServices,
): Promise<boolean> {
  const times = timesWith(batch.times, status)
  const ended = await services.store.change(batch.id, [batch.status], { ...change, status, times })
  if (ended === null) return false
  services.metrics.batches.inc({ status })
  const { id, owner: key, endpoint, requestId: request_id, lines, counts } = ended
  const { completed, failed } = counts
  const fields = { batch: id, request_id, ...(key === '' ? {} : { key }), endpoint, status, lines, completed, failed }
  services.log[status === 'failed' ? 'warn' : 'info'](fields, 'batch ended')
  await cleanUp(ended, services)
  return true
}

/** Removes what is not needed of a batch that has ended, and says that it has: again, where a process has died in it. */
export async function cleanUp(batch: Batch, { blobs, pages, onEnded }: LifeCycleServices): Promise<void> {
  if (!hasEnded(batch)) return
  await onEnded(batch)
  await pages?.forget(batch.id)
  for (const names of namesOf(batch)) await blobs.remove(names)
}
