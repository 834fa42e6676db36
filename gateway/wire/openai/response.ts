import { z } from 'zod'
import { ocrObject } from './ocr-object.ts'

// Strict, so that tests find an undeclared field. Clients must accept fields that later versions add.

const tokens = z.int().nonnegative()

const responseUsage = z.strictObject({
  input_tokens: tokens,
  input_tokens_details: z.strictObject({ cached_tokens: tokens, cache_write_tokens: tokens }),
  output_tokens: tokens,
  output_tokens_details: z.strictObject({ reasoning_tokens: tokens }),
  total_tokens: tokens,
})

/** Token counts of a response. */
export type ResponseUsage = z.output<typeof responseUsage>

/** The text of an answer. */
export const outputText = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()).readonly(),
  logprobs: z.array(z.never()).readonly(),
})

/** The text of an answer. */
export type OutputText = z.output<typeof outputText>

/** The message that is a response's output. */
export const outputMessage = z.strictObject({
  type: z.literal('message'),
  id: z.string(),
  status: z.enum(['in_progress', 'completed']),
  role: z.literal('assistant'),
  content: z.array(outputText).max(1).readonly(),
})

/** The message that is a response's output. */
export type OutputMessage = z.output<typeof outputMessage>

const textFormat = z.union([
  z.strictObject({ type: z.enum(['text', 'json_object']) }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.literal(false),
  }),
])

/** How a response's text was to be written. */
export type TextFormat = z.output<typeof textFormat>

const responseStatus = z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled'])

/** Where a response stands. */
export type ResponseStatus = z.output<typeof responseStatus>

/** A response, while it is made and when it is done. */
export const responseObject = z.strictObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int().describe('Unix time, seconds.'),
  completed_at: z.int().nullable(),
  status: responseStatus,
  background: z.boolean(),
  error: z.strictObject({ code: z.string(), message: z.string(), param: z.string().nullable() }).nullable(),
  incomplete_details: z.null(),
  instructions: z.string().nullable(),
  max_output_tokens: z.null(),
  max_tool_calls: z.null(),
  metadata: z.record(z.string(), z.string()),
  model: z.string(),
  output: z.array(outputMessage).max(1).readonly(),
  parallel_tool_calls: z.literal(true),
  previous_response_id: z.string().nullable(),
  reasoning: z.strictObject({ effort: z.null(), summary: z.null() }),
  service_tier: z.enum(['default', 'flex']),
  store: z.boolean(),
  temperature: z.null(),
  text: z.strictObject({ format: textFormat }),
  tool_choice: z.literal('auto'),
  tools: z.array(z.never()).readonly(),
  top_logprobs: z.literal(0),
  top_p: z.null(),
  truncation: z.literal('disabled'),
  usage: responseUsage.nullable().describe('Null until it is done.'),
  ocr: ocrObject.optional().describe('What became of each page, once it is done.'),
})

/** A response, while it is made and when it is done. */
export type ResponseObject = z.output<typeof responseObject>
