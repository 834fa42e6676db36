import { z } from 'zod'
import { ocrObject, pageMark, previewMark } from './ocr-object.ts'

const tokens = z.int().nonnegative()
const finishReason = z.enum(['stop', 'length'])

const completionUsage = z.strictObject({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  total_tokens: tokens,
  prompt_tokens_details: z.strictObject({ cached_tokens: tokens }),
})

/** Token counts of a completion. */
export type CompletionUsage = z.output<typeof completionUsage>

/** The whole completion of a request that was not streamed. */
export const chatCompletion = z.strictObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int().describe('Unix time, seconds.'),
  model: z.string(),
  choices: z
    .array(
      z.strictObject({
        index: z.literal(0),
        message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        logprobs: z.null(),
        finish_reason: finishReason,
      }),
    )
    .length(1)
    .readonly(),
  usage: completionUsage,
  ocr: ocrObject,
})

/** The whole completion of a request that was not streamed. */
export type ChatCompletion = z.output<typeof chatCompletion>

/** One chunk of a streamed completion. The usage comes on one of its own, without choices. */
export const chatChunk = z.strictObject({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z
    .array(
      z.strictObject({
        index: z.literal(0),
        delta: z.strictObject({ role: z.literal('assistant').optional(), content: z.string().optional() }),
        logprobs: z.null(),
        finish_reason: finishReason.nullable(),
      }),
    )
    .max(1)
    .readonly(),
  usage: completionUsage.optional(),
  ocr: z
    .union([pageMark, previewMark, ocrObject])
    .optional()
    .describe('Where a page begins, its number; on the last chunk, the ledger.'),
})

/** One chunk of a streamed completion. */
export type ChatChunk = z.output<typeof chatChunk>

/** The data of the event that ends a stream of chunks. */
export const STREAM_END = '[DONE]'
