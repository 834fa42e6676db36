import type { ResponseObject, ResponseStatus } from '../wire/openai/response.ts'
import type { ClaimedResponse, KeptError, KeptQuestion, KeptResponse } from './kept.ts'

/** What the columns of the tables hold. */
export interface Row {
  readonly id: string
  readonly owner: string
  readonly status: ResponseStatus
  readonly is_begun: number
  readonly ended_at: number | null
  readonly question: string
  readonly answer: string | null
  readonly error: string | null
  readonly has_documents: number
  readonly losses: number
  readonly failing_since: number | null
  // Of a piece, and of a page.
  readonly text: string
  readonly page: number | null
  readonly result: string
}

/** Reads a response from its row. */
export function keptOf(row: Row): KeptResponse {
  return {
    id: row.id,
    owner: row.owner,
    status: row.status,
    isBegun: row.is_begun === 1,
    endedAt: row.ended_at,
    question: JSON.parse(row.question) as KeptQuestion,
    done: row.answer === null ? null : (JSON.parse(row.answer) as ResponseObject),
    error: row.error === null ? null : (JSON.parse(row.error) as KeptError),
    hasDocuments: row.has_documents === 1,
  }
}

/** Reads a response that was claimed from its row. */
export function claimedOf(row: Row): ClaimedResponse {
  return { ...keptOf(row), losses: row.losses, failingSince: row.failing_since }
}
