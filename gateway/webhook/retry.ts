const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** How long it is waited after each try that failed; about a day in all. */
const DELAYS: readonly number[] = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 8 * HOUR, 8 * HOUR]

/** What failed together is not tried again together: so much of a delay is added at most, by chance. */
const JITTER = 0.2

/** The longest that a receiver can ask to be left alone, in milliseconds. */
const MAX_ASKED = 10 * HOUR

/**
 * Returns how long it is waited after that many tries have failed, in milliseconds; null: no more is tried. A receiver may ask to
 * be left alone for longer. `random` is from 0 up to 1.
 */
export function retryDelay(attempts: number, askedSeconds: number | null, random: number): number | null {
  const delay = DELAYS[attempts - 1]
  if (delay === undefined) return null
  const asked = Math.min((askedSeconds ?? 0) * SECOND, MAX_ASKED)
  return Math.round(Math.max(delay, asked) * (1 + JITTER * random))
}

/** Reads a `Retry-After`: seconds, or a date; null: it says nothing that is understood. */
export function retryAfterSeconds(header: string | null, now: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text)
  const date = /^[A-Z][a-z]{2},? /.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? null : Math.max(0, (date - now) / SECOND)
}
