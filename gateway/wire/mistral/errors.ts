import { z } from 'zod'
import { errorBody } from '../openai/errors.ts'

/** An error in both forms at once: OpenAI's `error`, Mistral's keys at the top level, and the `detail` that LibreChat shows. */
export const unitedErrorBody = errorBody.extend({
  object: z.literal('error'),
  message: z.string(),
  type: z.string(),
  param: z.string().nullable(),
  code: z.string().nullable(),
  detail: z.string(),
})

/** An error in OpenAI's form and in Mistral's. */
export type UnitedErrorBody = z.output<typeof unitedErrorBody>
