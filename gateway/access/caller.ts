import type { Turn } from '../schedule/turn.ts'

/** What a caller may ask for; null: any number. */
export interface Limits {
  readonly requestsPerMinute: number | null
  readonly pagesPerMinute: number | null
  /** Pages that are drawn or read at a time. */
  readonly pagesInFlight: number | null
  readonly pagesPerMonth: number | null
}

/** Who asks: the holder of a key, or whom a token names. */
export interface Caller {
  /** Of a key: letters, digits, "_", "." and "-". Of a token: `jwt:` and its subject, percent-encoded. Files and batches belong to it. */
  readonly name: string
  /** Null: every model. */
  readonly models: readonly string[] | null
  /** Null: every lane. */
  readonly lanes: readonly Turn['lane'][] | null
  /** Whether it may see what others have used. */
  readonly isAdmin: boolean
  readonly limits: Limits
}
