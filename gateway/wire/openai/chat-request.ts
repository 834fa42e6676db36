import { z } from 'zod'
import { ocrOptions } from './ocr-options.ts'

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() })

const imagePart = z.looseObject({
  type: z.literal('image_url'),
  // Mistral's clients and many hand-written ones send a bare URL; it can mean nothing else.
  image_url: z
    .union([z.string().transform((url) => ({ url })), z.looseObject({ url: z.string() })], {
      error: 'expected an object with a string "url"',
    })
    .describe('A page image, or any document, as a data URL'),
})

const filePart = z.looseObject({
  type: z.literal('file'),
  file: z.looseObject({
    file_data: z.string().optional(),
    file_id: z.string().optional(),
    filename: z.string().nullish(),
  }),
})

/** One part of a message's content that the gateway reads. */
export const contentPart = z.discriminatedUnion('type', [textPart, imagePart, filePart], {
  error: (issue) =>
    issue.code === 'invalid_union'
      ? 'unsupported content part type; supported types: text, image_url, file'
      : undefined,
})

/** A part of a message's content. */
export type ContentPart = z.output<typeof contentPart>

/** A chat message, as far as the gateway looks into it; the parts of `content` are checked one by one later. */
const message = z.looseObject({ role: z.string(), content: z.unknown() })

/**
 * A chat completion request. Strict about the fields that the gateway reads; OpenAI's other fields are accepted, and
 * ignored where they mean nothing for reading a page (docs/api.md lists them).
 */
export const chatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, 'a document has one reading; n must be 1').nullish(),
  // A value of another type is ignored.
  service_tier: z.string().nullish().catch(null),
  ocr: ocrOptions.optional(),
})

/** A chat completion request. */
export type ChatRequest = z.output<typeof chatRequest>
