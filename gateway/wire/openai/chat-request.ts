import { z } from 'zod'
import { chatOcrOptions } from './ocr-options.ts'

/** A chat message, as far as the gateway looks into it; the parts of `content` are read one by one later. */
export const chatMessage = z.looseObject({ role: z.string(), content: z.unknown() })

/** A chat message. */
export type ChatMessage = z.output<typeof chatMessage>

/**
 * What of a chat is looked at before its model is known. Its messages are checked one by one: a schema would note the faults
 * of all, of which there may be many, and only the first is told.
 */
export const conversationRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.unknown()).min(1),
})

/**
 * A chat completion request for an OCR model. Strict about the fields that the gateway reads; OpenAI's other fields are
 * accepted, and ignored where they mean nothing for reading a page (docs/api.md lists them).
 */
export const chatRequest = conversationRequest.extend({
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  // Only what is known to ask for JSON counts; anything else is ignored.
  response_format: z
    .union([
      z.looseObject({ type: z.literal('json_object') }),
      z.looseObject({
        type: z.literal('json_schema'),
        json_schema: z.looseObject({ schema: z.record(z.string(), z.unknown()).nullish().catch(null) }),
      }),
    ])
    .nullish()
    .catch(null),
  // A value of another type is ignored.
  service_tier: z.string().nullish().catch(null),
  ocr: chatOcrOptions.optional(),
})

/** A chat completion request for an OCR model. */
export type ChatRequest = z.output<typeof chatRequest>

/** A chat completion request with a document. */
export const documentRequest = chatRequest.extend({
  n: z.literal(1, 'a document has one reading; n must be 1').nullish(),
})
