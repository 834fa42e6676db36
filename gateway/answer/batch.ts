import type { Batch } from '../batch/batch.ts'
import type { BatchPage } from '../batch/store.ts'
import { errorEntry } from '../errors.ts'
import type { BatchAnswer, BatchList, BatchObject } from '../wire/openai/batch.ts'
import { errorBody, unitedErrorBody, type ReadError } from './error.ts'

/** Builds what clients read of a batch. */
export function batchObject(batch: Batch): BatchObject {
  const { id, endpoint, model, problems, inputFileId, completionWindow, status, counts, usage, metadata } = batch
  return {
    id,
    object: 'batch',
    endpoint,
    model,
    errors: problems.length === 0 ? null : { object: 'list', data: [...problems] },
    input_file_id: inputFileId,
    completion_window: completionWindow,
    status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    ...moments(batch),
    request_counts: counts,
    usage: {
      input_tokens: usage.inputTokens,
      input_tokens_details: { cached_tokens: usage.cachedTokens },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.inputTokens + usage.outputTokens,
    },
    metadata,
  }
}

function moments({ times }: Batch) {
  return {
    created_at: times.created,
    in_progress_at: times.inProgress,
    expires_at: times.expires,
    finalizing_at: times.finalizing,
    completed_at: times.completed,
    failed_at: times.failed,
    expired_at: times.expired,
    cancelling_at: times.cancelling,
    cancelled_at: times.cancelled,
  }
}

/** Builds a part of the list of batches. */
export function batchList({ batches, hasMore }: BatchPage): BatchList {
  return {
    object: 'list',
    data: batches.map(batchObject),
    first_id: batches[0]?.id ?? null,
    last_id: batches.at(-1)?.id ?? null,
    has_more: hasMore,
  }
}

/** A request of a batch, as its answer names it. */
export interface AnsweredLine {
  readonly id: string
  readonly customId: string | null
}

/** Builds the answer of a request that was answered. */
export function lineAnswer({ id, customId }: AnsweredLine, status: number, body: unknown): BatchAnswer {
  return { id, custom_id: customId, response: { status_code: status, request_id: id, body }, error: null }
}

/** Builds the answer of a request that was refused or failed; `united`: in the form of Mistral's endpoint. */
export function failedLine(line: AnsweredLine, error: ReadError, united: boolean): BatchAnswer {
  return lineAnswer(line, errorEntry(error.code).status, united ? unitedErrorBody(error) : errorBody(error))
}

/** Why a request was never run. */
export type NeverRun = 'batch_expired' | 'batch_cancelled'

const WHY: Readonly<Record<NeverRun, string>> = {
  batch_expired: 'This request could not be executed before the completion window expired.',
  batch_cancelled: 'This request was not executed: the batch was cancelled before.',
}

/** Builds the answer of a request that was never run. */
export function unrunLine({ id, customId }: AnsweredLine, code: NeverRun): BatchAnswer {
  return { id, custom_id: customId, response: null, error: { code, message: WHY[code] } }
}
