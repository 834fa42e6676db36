import { z } from 'zod'
import { metadata } from './metadata.ts'
import { ocrOptions } from './ocr-options.ts'

/** What of a response's request is looked at before its model is known. Its items are checked one by one. */
export const responseConversation = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(z.unknown())], 'expected a string, or an array of items').nullish(),
})

/** One item of the input, as far as the gateway looks into it. */
export const responseItem = z.looseObject({
  type: z.string('expected a string').nullish(),
  role: z.string('expected a string').nullish(),
})

/** One item of the input. */
export type ResponseItem = z.output<typeof responseItem>

/** How the answer is to be written; only what is known to ask for JSON counts. */
const format = z.union([
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    name: z.string().nullish().catch(null),
    schema: z.record(z.string(), z.unknown()).nullish().catch(null),
  }),
])

/**
 * A request for a response of an OCR model. Strict about the fields that the gateway reads, each of which may be null; OpenAI's
 * other fields are accepted, and ignored where they mean nothing for reading a page (docs/responses.md lists them).
 */
export const responseRequest = responseConversation.extend({
  instructions: z.string('expected a string').nullish(),
  stream: z.boolean().nullish(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z.string('expected the id of a response').nullish(),
  metadata: metadata.nullish(),
  text: z
    .looseObject({ format: format.nullish().catch(null) })
    .nullish()
    .catch(null),
  // A value of another type is ignored.
  service_tier: z.string().nullish().catch(null),
  ocr: ocrOptions.nullish(),
})

/** A request for a response of an OCR model. */
export type ResponseRequest = z.output<typeof responseRequest>
