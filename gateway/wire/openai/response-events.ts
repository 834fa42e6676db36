import { z } from 'zod'
import { errorBody } from './errors.ts'
import { pageMark } from './ocr-object.ts'
import { outputMessage, outputText, responseObject } from './response.ts'

/** Counts the events of one stream from 0. */
const numbered = { sequence_number: z.int().nonnegative() }
const ofItem = { ...numbered, output_index: z.literal(0) }
const ofText = { ...ofItem, item_id: z.string(), content_index: z.literal(0) }
const logprobs = z.array(z.never()).readonly()

/** One event of a streamed response. */
export const responseEvent = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.enum(['response.created', 'response.queued', 'response.in_progress', 'response.completed']),
    ...numbered,
    response: responseObject,
  }),
  z.strictObject({
    type: z.enum(['response.output_item.added', 'response.output_item.done']),
    ...ofItem,
    item: outputMessage,
  }),
  z.strictObject({
    type: z.enum(['response.content_part.added', 'response.content_part.done']),
    ...ofText,
    part: outputText,
  }),
  z.strictObject({
    type: z.literal('response.output_text.delta'),
    ...ofText,
    delta: z.string(),
    logprobs,
    ocr: pageMark.optional().describe('Where a page begins, its number.'),
  }),
  z.strictObject({ type: z.literal('response.output_text.done'), ...ofText, text: z.string(), logprobs }),
  // In both forms that clients look for: OpenAI's own keys, and the `error` object that Python's client raises alone.
  errorBody.extend({
    type: z.literal('error'),
    ...numbered,
    code: z.string(),
    message: z.string(),
    param: z.string().nullable(),
  }),
])

/** One event of a streamed response. */
export type ResponseEvent = z.output<typeof responseEvent>
