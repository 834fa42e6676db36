/** Where a batch can send its requests. */
export const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/responses', '/v1/ocr'] as const

/** The endpoint that all requests of a batch are for. */
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number]

/** How far a batch has come. */
export type BatchStatus =
  'validating' | 'in_progress' | 'finalizing' | 'completed' | 'failed' | 'expired' | 'cancelling' | 'cancelled'

/** The moments of a batch, in seconds of Unix time; null: not yet, or never. */
export interface BatchTimes {
  readonly created: number
  readonly inProgress: number | null
  readonly expires: number
  readonly finalizing: number | null
  readonly completed: number | null
  readonly failed: number | null
  readonly expired: number | null
  readonly cancelling: number | null
  readonly cancelled: number | null
}

/** What is wrong with a batch, or with a line of its input. */
export interface BatchProblem {
  readonly code: string
  readonly message: string
  readonly param: string | null
  /** Counted from 1; null: the whole. */
  readonly line: number | null
}

/** Tokens, as OpenAI counts them. */
export interface BatchUsage {
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
}

/** How many requests a batch has, and what became of them. */
export interface BatchCounts {
  readonly total: number
  readonly completed: number
  readonly failed: number
}

/** A batch, as it is kept. */
export interface Batch {
  readonly id: string
  /** The name of the API key that made it; empty: of a gateway without keys. */
  readonly owner: string
  /** The id of the request that made it. */
  readonly requestId: string
  readonly endpoint: BatchEndpoint
  readonly inputFileId: string
  /** As the client has written it: `24h`. */
  readonly completionWindow: string
  readonly metadata: Readonly<Record<string, string>> | null
  /** How long its output is to be kept, in seconds; null: as long as any file. */
  readonly outputSeconds: number | null
  readonly status: BatchStatus
  /** Null until its lines were looked at, or where they name several. */
  readonly model: string | null
  readonly times: BatchTimes
  readonly problems: readonly BatchProblem[]
  readonly outputFileId: string | null
  readonly errorFileId: string | null
  /** How many lines its input has, those that are wrong included; 0 until they were looked at. */
  readonly lines: number
  readonly counts: BatchCounts
  readonly usage: BatchUsage
}

/** What costs nothing. */
export const NO_USAGE: BatchUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 }

/** Adds two costs. */
export function addUsage(one: BatchUsage, other: BatchUsage): BatchUsage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  }
}

/** Tells whether a batch has come to its end. */
export function hasEnded({ status }: Pick<Batch, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'expired' || status === 'cancelled'
}
