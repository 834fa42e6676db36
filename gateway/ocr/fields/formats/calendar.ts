/** Tells whether there is such a day, in years in which documents are written. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  if (year < 1000 || year > 2999 || month < 1 || month > 12 || day < 1) return false
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** Returns the day as ISO 8601 writes it; null where there is no such day. */
export function isoDay(year: number, month: number, day: number): string | null {
  if (!isCalendarDay(year, month, day)) return null
  return [String(year), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-')
}

/** In whose languages the names of months are known. */
const LOCALES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'cs', 'sv', 'da', 'nb', 'fi', 'ro', 'tr']

let names: ReadonlyMap<string, number> | null = null

/** Returns the number of a month from its name, whole or shortened; null for no name, and for one of two months. */
export function monthOf(name: string): number | null {
  names ??= monthNames()
  return names.get(plain(name)) ?? null
}

function monthNames(): ReadonlyMap<string, number> {
  const found = new Map<string, Set<number>>()
  for (const locale of LOCALES) {
    for (const month of ['long', 'short'] as const) {
      for (const options of [{ month }, { month, day: 'numeric' }] as const) {
        const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
        for (let index = 0; index < 12; index += 1) {
          const parts = format.formatToParts(new Date(Date.UTC(2026, index, 15)))
          const name = plain(parts.find(({ type }) => type === 'month')?.value ?? '')
          if (/^\p{L}{3,}$/u.test(name)) found.set(name, (found.get(name) ?? new Set()).add(index + 1))
        }
      }
    }
  }
  // Write "Sept", too.
  found.set('sept', new Set([9]))
  return new Map([...found].flatMap(([name, months]) => (months.size === 1 ? [[name, [...months][0] ?? 0]] : [])))
}

const plain = (name: string): string => name.normalize('NFKC').toLowerCase().replaceAll('.', '').trim()
