import type { Batch, BatchCounts, BatchStatus, BatchUsage } from './batch.ts'

/** What may change of a batch, beside its counts. */
export type BatchChange = Partial<
  Pick<Batch, 'status' | 'model' | 'times' | 'problems' | 'outputFileId' | 'errorFileId' | 'lines'>
>

/** What became of a line, for the counts. */
export interface LineEnd {
  readonly outcome: 'completed' | 'failed'
  readonly usage: BatchUsage
  /** The model that it has asked, for the use of its owner; left out: none, as its body was wrong. */
  readonly model?: string | undefined
}

/** How many batches there are of all owners: those that have not ended by status, the others together. */
export interface BatchOverview {
  readonly unended: readonly Batch[]
  /** Of all that have not ended; more than are in `unended`, perhaps. */
  readonly unendedCount: number
  readonly endedCount: number
}

/** A part of the list of batches, the newest first. */
export interface BatchPage {
  readonly batches: readonly Batch[]
  readonly hasMore: boolean
}

/**
 * What is known of the batches: in the embedded database, or in Redis where replicas share it. Throws `storage_full` and
 * `storage_unavailable`.
 */
export interface BatchStore {
  add(batch: Batch): Promise<void>
  /** Returns null for one that is not there, or is another's; any owner's where `owner` is null. */
  find(owner: string | null, id: string): Promise<Batch | null>
  /** Lists behind an id, which need not be there any more; null: from the beginning. */
  list(owner: string, after: string | null, limit: number): Promise<BatchPage>
  /** How many batches of an owner have not ended. */
  unended(owner: string): Promise<number>
  /** Changes a batch, unless its status is another than one of `from`; returns it as it is then, or null. */
  change(id: string, from: readonly BatchStatus[], change: BatchChange): Promise<Batch | null>
  /** Notes that lines have ended; returns of how many it had not been known. The others are left as they were, and not counted again. */
  endLines(id: string, ends: ReadonlyMap<number, LineEnd>): Promise<number>
  /**
   * Counts all lines of a batch that has not ended anew, as its files have them: whatever was counted before, and no line ends
   * after this.
   */
  settle(id: string, counts: BatchCounts, usage: BatchUsage): Promise<void>
  /** Returns the lines that have ended, counted from 0: bit `line % 8` of byte `line >> 3`, the lowest first. */
  endedLines(id: string): Promise<Uint8Array>
  /** Returns batches that have not ended and whose time is over, and those that ended before `endedBefore`; some of them. */
  due(now: number, endedBefore: number): Promise<{ readonly late: readonly Batch[]; readonly old: readonly Batch[] }>
  /** Says how many batches there are, and of all owners some that have not ended; for operators. */
  overview(): Promise<BatchOverview>
  /** Forgets batches that have ended. */
  forget(ids: readonly string[]): Promise<void>
}
