import { z } from 'zod'
import type { Caller } from './caller.ts'

/** One in each window must pass, else the work of a caller could never be done. */
const count = z.int('must be a whole number').min(1, 'must be at least 1').max(1e9, 'must be at most 1000000000')
const namesOf = (what: string) => z.array(z.string().min(1).max(200)).min(1, `must name a ${what}, or be left out`)

/** What a caller may, as the keys file and tokens write it. */
export const limitFields = {
  models: namesOf('model').nullish(),
  lanes: z
    .array(z.enum(['interactive', 'batch'], 'must be "interactive" or "batch"'))
    .min(1, 'must name a lane, or be left out')
    .nullish(),
  requests_per_minute: count.nullish(),
  pages_per_minute: count.nullish(),
  pages_in_flight: count.nullish(),
  pages_per_month: count.nullish(),
  admin: z.boolean('must be true or false').nullish(),
}

const limitObject = z.strictObject(limitFields)

/** What a caller may, as it is written. */
type WrittenLimits = z.output<typeof limitObject>

/** Reads what a token says; a sentence in place of what is wrong. */
export function readLimits(value: unknown): WrittenLimits | string {
  const read = limitObject.safeParse(value)
  return read.success ? read.data : problemsOf(read.error).join('; ')
}

/** Says what is wrong, each with the field that it is in. Never repeats a value: it may be a secret. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
}

/** Returns the caller of a name. */
export function callerOf(name: string, written: WrittenLimits): Caller {
  return {
    name,
    models: written.models ?? null,
    lanes: written.lanes ?? null,
    isAdmin: written.admin ?? false,
    limits: {
      requestsPerMinute: written.requests_per_minute ?? null,
      pagesPerMinute: written.pages_per_minute ?? null,
      pagesInFlight: written.pages_in_flight ?? null,
      pagesPerMonth: written.pages_per_month ?? null,
    },
  }
}

/** Returns a caller of whom nothing is limited. */
export function unlimited(name: string): Caller {
  return callerOf(name, {})
}
