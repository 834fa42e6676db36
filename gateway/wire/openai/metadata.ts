import { z } from 'zod'

const MAX_PAIRS = 16

/** Texts of the caller's own, which are kept with what was made. OpenAI's limits. */
export const metadata = z
  .record(
    z.string().max(64, 'a name has at most 64 characters'),
    z.string('expected a string').max(512, 'a value has at most 512 characters'),
    'expected an object of strings',
  )
  .refine((pairs) => Object.keys(pairs).length <= MAX_PAIRS, `there may be at most ${MAX_PAIRS} pairs`)
