import type { Log } from '../telemetry/log.ts'
import { hasEnded, type Batch } from './batch.ts'
import type { BatchQueue } from './queue.ts'
import type { BatchStore } from './store.ts'

/** Tells the queue what has become of batches, and tells it again later where that cannot be done now. */
export interface LateWords {
  /** Says what a batch's status asks for. Never throws: what was written down is so. */
  tell(batch: Batch): Promise<void>
  /** Tells what could not be told yet. Throws where it still cannot. */
  tellAgain(): Promise<void>
}

/** Creates it: everything was told. */
export function createLateWords({
  store,
  queue,
  log,
}: {
  readonly store: BatchStore
  readonly queue: BatchQueue
  readonly log: Log
}): LateWords {
  const untold = new Set<string>()

  async function say(batch: Batch, ended?: Uint8Array): Promise<void> {
    await queue.push(batch, ended)
    if (batch.status === 'cancelling' || batch.status === 'finalizing') await queue.stop(batch.id)
    untold.delete(batch.id)
  }

  return {
    async tell(batch) {
      untold.add(batch.id)
      try {
        await say(batch)
      } catch (error) {
        log.warn({ batch: batch.id, status: batch.status, err: error }, 'a batch waits until its queue can be told')
      }
    },
    async tellAgain() {
      for (const id of untold) {
        const batch = await store.find(null, id)
        if (batch === null || hasEnded(batch)) untold.delete(id)
        else await say(batch, batch.status === 'in_progress' ? await store.endedLines(id) : undefined)
      }
    },
  }
}
