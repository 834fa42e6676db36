import { z } from 'zod'
import { expiresAfter } from './file.ts'
import { metadata } from './metadata.ts'

const ENDPOINTS = ['/v1/chat/completions', '/v1/responses', '/v1/ocr'] as const

/** What creates a batch. */
export const batchRequest = z.looseObject({
  input_file_id: z.string('expected the id of a file').min(1, 'expected the id of a file'),
  endpoint: z.enum(ENDPOINTS, `expected one of ${ENDPOINTS.join(', ')}`),
  completion_window: z.string('expected a time like "24h" or "3d"'),
  metadata: metadata.nullish(),
  output_expires_after: expiresAfter.nullish(),
})

/** OpenAI names no limit; an id is no place for a text. */
const MAX_ID_CHARACTERS = 512

/** One request of a batch, as a line of its input. */
export const batchLine = z.looseObject({
  custom_id: z
    .string('expected a string')
    .min(1, 'expected a string that is not empty')
    .max(MAX_ID_CHARACTERS, `expected at most ${MAX_ID_CHARACTERS} characters`),
  method: z.literal('POST', 'expected "POST"'),
  url: z.string('expected a string'),
  body: z.record(z.string(), z.unknown(), 'expected an object'),
})

const batchProblem = z.strictObject({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  line: z.int().nullable(),
})

const batchUsage = z.strictObject({
  input_tokens: z.int(),
  input_tokens_details: z.strictObject({ cached_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.strictObject({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
})

const moment = z.int().nullable()

/** A batch. */
export const batchObject = z.strictObject({
  id: z.string(),
  object: z.literal('batch'),
  endpoint: z.string(),
  model: z.string().nullable(),
  errors: z.strictObject({ object: z.literal('list'), data: z.array(batchProblem) }).nullable(),
  input_file_id: z.string(),
  completion_window: z.string(),
  status: z.enum([
    'validating',
    'failed',
    'in_progress',
    'finalizing',
    'completed',
    'expired',
    'cancelling',
    'cancelled',
  ]),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  created_at: z.int(),
  in_progress_at: moment,
  expires_at: z.int(),
  finalizing_at: moment,
  completed_at: moment,
  failed_at: moment,
  expired_at: moment,
  cancelling_at: moment,
  cancelled_at: moment,
  request_counts: z.strictObject({ total: z.int(), completed: z.int(), failed: z.int() }),
  usage: batchUsage,
  metadata: z.record(z.string(), z.string()).nullable(),
})

/** A batch. */
export type BatchObject = z.output<typeof batchObject>

/** A list of batches. */
export const batchList = z.strictObject({
  object: z.literal('list'),
  data: z.array(batchObject),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A list of batches. */
export type BatchList = z.output<typeof batchList>

/** What became of one request, as a line of the output file or of the error file. */
export const batchAnswer = z.strictObject({
  id: z.string(),
  custom_id: z.string().nullable().describe('Null where the line has none that can be read.'),
  response: z.strictObject({ status_code: z.int(), request_id: z.string(), body: z.unknown() }).nullable(),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
})

/** What became of one request. */
export type BatchAnswer = z.output<typeof batchAnswer>
