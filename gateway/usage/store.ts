import type { UsageRow } from './counts.ts'

/** How long usage is kept, in days. */
export const KEPT_DAYS = 400
/** More callers and models of one day are counted together. */
export const MOST_ROWS = 10_000
/** Pages that a process has held and not spoken of for so long are nobody's, in milliseconds. */
export const LEASE = 15_000

/** Pages of a budget that are held for a request. */
export interface Hold {
  readonly id: string
  readonly key: string
  /** `2026-11` */
  readonly month: string
  /** Those that may still be read; 0: it is given back. */
  readonly pages: number
}

/** What a process has counted since it last said so. */
export interface UsageBatch {
  /** Counts the batches of a process from 1: none is added twice. */
  readonly number: number
  /** What is to be added. */
  readonly rows: readonly UsageRow[]
  /** How holds are now. */
  readonly holds: readonly Hold[]
}

/** What is left of a budget. */
export interface BudgetState {
  readonly isHeld: boolean
  /** Pages of the month that were read. */
  readonly charged: number
  /** Pages that are held for other requests. */
  readonly held: number
}

/** Where usage is kept: in the embedded database, or in Redis where replicas share it. */
export interface UsageStore {
  /** Adds a batch, whole, once, however often it is tried. */
  add(batch: UsageBatch): Promise<void>
  /** Holds pages where the month has so many left, beside what others hold. */
  hold(hold: Hold, limit: number): Promise<BudgetState>
  /** Yields what is kept of days, from the first to the last, by day. */
  days(from: string, to: string): AsyncIterable<readonly UsageRow[]>
}
