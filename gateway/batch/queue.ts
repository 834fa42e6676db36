import type { Batch } from './batch.ts'

/** A step of a batch, small enough to be done in one go; begun again from its beginning when a process dies in it. */
export type BatchTask =
  | { readonly batch: string; readonly kind: 'validate' | 'finalize' }
  /** Counted from 0. */
  | { readonly batch: string; readonly kind: 'line'; readonly line: number }

/** A task that is this process's for as long as it lives, and nobody has taken it away. */
export interface ClaimedTask {
  readonly task: BatchTask
  /** How often it was begun and neither done nor put back since, this time included: more than once, a process has died with it. */
  readonly attempts: number
  /** Fires when it is another's now, or nobody's: its batch was stopped. */
  readonly lost: AbortSignal
  /** Says that it is done, once what it has done is kept. Where that does not arrive, it is handed out again. */
  done(): Promise<void>
  /** Puts it back, for not before so many seconds from now. */
  later(seconds: number): Promise<void>
}

/**
 * Hands out what is to be done for the batches: to this process alone, or to all replicas. Keys take turns, and so do the
 * batches of a key. Each task is handed out until it is done; to one process at a time, as far as clocks and networks allow.
 */
export interface BatchQueue {
  /**
   * Has the batch's next step done, as its status says: `validating`: validate; `in_progress`: its lines, but those of
   * `ended` (see BatchStore.endedLines); `finalizing` and `cancelling`: finalize. To be called when the status has changed,
   * and may be called again at any time.
   */
  push(batch: Batch, ended?: Uint8Array): Promise<void>
  /** Takes the task whose turn it is; null: there is none now. */
  claim(): Promise<ClaimedTask | null>
  /** Calls back when there may be something to claim; what others have left behind is told of within some seconds. */
  onWork(listener: () => void): () => void
  /** Takes back all lines of a batch, wherever they are being read: it was cancelled, or its time is over. */
  stop(batch: string): Promise<void>
  /** How many lines wait to be handed out; left out: nobody counts them. */
  waiting?(): Promise<number>
  /** Puts back what this process has claimed. */
  close(): Promise<void>
}
