import { sumUsage, type Ledger } from '../ocr/ledger.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { ResponseAnswer } from '../request/response-answer.ts'
import type {
  OutputMessage,
  OutputText,
  ResponseObject,
  ResponseStatus,
  ResponseUsage,
} from '../wire/openai/response.ts'
import type { Reading } from './collect.ts'
import { ocrObject } from './ocr-object.ts'

/** What is known of a response before anything is read: all that its objects have in common. */
export interface ResponseHead {
  readonly id: string
  /** Unix time, seconds. */
  readonly createdAt: number
  readonly model: string
  readonly answer: ResponseAnswer
}

/** Creates the head of a new response. */
export function newResponse(model: string, answer: ResponseAnswer): ResponseHead {
  const id = `resp_${crypto.randomUUID().replaceAll('-', '')}`
  return { id, createdAt: unixTime(), model, answer }
}

/** Now, in seconds. */
function unixTime(): number {
  return Math.floor(Date.now() / 1000)
}

/** What of a response changes while it is made. */
type Progress = Pick<ResponseObject, 'status'> &
  Partial<Pick<ResponseObject, 'completed_at' | 'error' | 'output' | 'usage' | 'ocr'>>

/** Builds a response that has nothing to show yet, or never will. */
export function unreadResponse(
  head: ResponseHead,
  status: Exclude<ResponseStatus, 'completed'>,
  error: ResponseObject['error'] = null,
): ResponseObject {
  return responseObject(head, { status, error })
}

/** Builds a response that is done. */
export function readResponseObject(
  head: ResponseHead,
  { content, ledger }: Reading,
  request: OcrRequest,
): ResponseObject {
  return responseObject(head, {
    status: 'completed',
    completed_at: unixTime(),
    output: [outputMessage(head, 'completed', [outputText(content)])],
    usage: usage(ledger),
    ocr: ocrObject(ledger, request),
  })
}

function responseObject({ id, createdAt, model, answer }: ResponseHead, progress: Progress): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    completed_at: null,
    background: answer.background,
    error: null,
    incomplete_details: null,
    instructions: answer.instructions,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: answer.metadata,
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: answer.previousResponseId,
    reasoning: { effort: null, summary: null },
    service_tier: answer.serviceTier,
    store: answer.store,
    temperature: null,
    text: { format: answer.format },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: 'disabled',
    usage: null,
    ...progress,
  }
}

/** Builds the one message that is a response's output. */
export function outputMessage(
  head: Pick<ResponseHead, 'id'>,
  status: OutputMessage['status'],
  content: readonly OutputText[],
): OutputMessage {
  return { type: 'message', id: itemId(head), status, role: 'assistant', content }
}

/** Returns the id of the message that is a response's output: always the same, also in a stream that is resumed. */
export function itemId({ id }: Pick<ResponseHead, 'id'>): string {
  return id.replace(/^resp_/, 'msg_')
}

/** Builds the text of an answer. */
export function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function usage(ledger: Ledger): ResponseUsage {
  const { promptTokens, completionTokens, cachedPromptTokens } = sumUsage(ledger)
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedPromptTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  }
}
