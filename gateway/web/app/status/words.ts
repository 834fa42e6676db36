const whole = new Intl.NumberFormat('en')
const few = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

/** Writes a count: `12,345`. */
export const counted = (value: number): string => whole.format(value)

/** Writes a count and what it counts: `1 page`, `12 pages`. */
export const countedAs = (value: number, one: string, many = `${one}s`): string =>
  `${counted(value)} ${value === 1 ? one : many}`

/** Writes an amount of bytes: `1.5 GB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let rest = value
  let unit = 0
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit += 1
  }
  return `${few.format(rest)} ${units[unit] ?? ''}`
}

/** Writes a share: `12%`. */
export const percent = (share: number): string => `${Math.round(share * 100)}%`

/** Writes seconds as a person says them: `1.25 s`, `3 min`, `4 h 5 min`, `2 d 3 h`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${few.format(seconds)} s`
  if (seconds < 90) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Writes the time of day: `14:05:09`. */
export const timeOfDay = (unixMs: number): string => new Date(unixMs).toLocaleTimeString('en-GB')

/** Stands for what is not known. */
export const UNKNOWN = '–'

/** Writes what is known, and a dash for what is not. */
export const orUnknown = (value: number | null, write: (value: number) => string): string =>
  value === null ? UNKNOWN : write(value)
