import { z } from 'zod'

/** One part of what was sent; of a document, only what names it: its data is not sent back. */
const inputPart = z.union([
  z.strictObject({
    type: z.enum(['input_text', 'output_text']),
    text: z.string(),
    annotations: z.array(z.never()).optional(),
  }),
  z.strictObject({
    type: z.literal('input_file'),
    filename: z.string().optional(),
    file_id: z.string().optional(),
    file_url: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('input_image'),
    detail: z.literal('auto'),
    file_id: z.string().nullable(),
    image_url: z.string().nullable(),
  }),
])

/** One part of what was sent. */
export type InputPart = z.output<typeof inputPart>

const inputItem = z.strictObject({
  id: z.string(),
  type: z.literal('message'),
  status: z.literal('completed'),
  role: z.string(),
  content: z.array(inputPart).readonly(),
})

/** One message of what was sent. */
export type InputItem = z.output<typeof inputItem>

/** The answer of `GET /v1/responses/{id}/input_items`. */
export const inputItemList = z.strictObject({
  object: z.literal('list'),
  data: z.array(inputItem).readonly(),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** The answer of `GET /v1/responses/{id}/input_items`. */
export type InputItemList = z.output<typeof inputItemList>

/** The answer of `DELETE /v1/responses/{id}`. */
export const deletedResponse = z.strictObject({
  id: z.string(),
  object: z.literal('response'),
  deleted: z.literal(true),
})

/** The answer of `DELETE /v1/responses/{id}`. */
export type DeletedResponse = z.output<typeof deletedResponse>
