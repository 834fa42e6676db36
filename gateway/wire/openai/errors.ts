import { z } from 'zod'

/** OpenAI's error envelope; all four keys are always there. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})

/** OpenAI's error envelope. */
export type ErrorBody = z.output<typeof errorBody>
