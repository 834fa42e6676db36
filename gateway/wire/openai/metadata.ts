import { z } from 'zod'

const MAX_PAIRS = 16
const MAX_NAME = 64

/** Texts of the caller's own, which are kept with what was made. OpenAI's limits. */
export const metadata = z
  .record(z.string().max(MAX_NAME), z.string('expected a string').max(512, 'a value has at most 512 characters'), {
    // What is wrong with a name is told as a problem of the whole.
    error: ({ code }) =>
      code === 'invalid_key' ? `a name has at most ${MAX_NAME} characters` : 'expected an object of strings',
  })
  .refine((pairs) => Object.keys(pairs).length <= MAX_PAIRS, `there may be at most ${MAX_PAIRS} pairs`)
