import type { OcrOptions } from '../request/options.ts'
import type { ResponseAnswer } from '../request/response-answer.ts'
import type { InputItem } from '../wire/openai/response-items.ts'
import type { ResponseObject, ResponseStatus } from '../wire/openai/response.ts'

/** A document of a response, in a file of its own. */
export interface KeptDocument {
  readonly sha256: string
  readonly bytes: number
  readonly param: string
  readonly filename: string | null
  readonly declaredMediaType: string | null
}

/** All that a response is made from, beside its documents. No password is ever part of it. */
export interface KeptQuestion {
  /** Of the request that asked for it. */
  readonly requestId: string
  readonly createdAt: number
  readonly model: string
  readonly answer: ResponseAnswer
  readonly userText: string
  readonly leftOut: number
  readonly options: Omit<OcrOptions, 'password'>
  readonly documents: readonly KeptDocument[]
  readonly items: readonly InputItem[]
}

/** Why a response failed. */
export interface KeptError {
  readonly code: string
  readonly message: string
  readonly param: string | null
}

/** A response as it is kept. */
export interface KeptResponse {
  readonly id: string
  /** The name of the key that asked for it; empty where there are no keys. */
  readonly owner: string
  readonly status: ResponseStatus
  /** Whether its reading has begun. */
  readonly isBegun: boolean
  /** In milliseconds of Unix time; null: it has not ended. */
  readonly endedAt: number | null
  readonly question: KeptQuestion
  /** Null unless it is completed. */
  readonly done: ResponseObject | null
  /** Null unless it has failed. */
  readonly error: KeptError | null
  /** Whether its documents are still there. */
  readonly hasDocuments: boolean
}

/** A background response that this process reads, for as long as its lease lasts. */
export interface ClaimedResponse extends KeptResponse {
  /** How often it was begun and neither ended nor put back: the process ended meanwhile. */
  readonly losses: number
  /** Since when it could not be read, in milliseconds of Unix time; null: it could, or was not tried. */
  readonly failingSince: number | null
}
