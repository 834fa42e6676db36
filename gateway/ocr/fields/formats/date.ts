import { isCalendarDay, isoDay, monthOf } from './calendar.ts'
import { doubtful, invalid, right, type Verdict } from './verdict.ts'

/** No day is written longer than this. */
const MAX_LENGTH = 60

/**
 * Reads a day as it is written on a page: `2026-03-04`, `04.03.2026`, `4 March 2026`, `2026年3月4日`. Doubtful: one that
 * may be two days, as `03/04/2026` is, and one whose year has two digits.
 */
export function date(text: string): Verdict {
  const written = text.normalize('NFKC').trim()
  if (written.length > MAX_LENGTH) return invalid('it is too long for a date')
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(written)
  if (compact !== null) return ofDay(Number(compact[1]), Number(compact[2]), Number(compact[3]))
  const numbers = written.match(/\d+/g) ?? []
  const words = written.match(/\p{L}+/gu) ?? []
  const month = words.map(monthOf).find((found) => found !== null) ?? null
  if (month !== null && numbers.length === 2) return withName(numbers, month)
  if (numbers.length !== 3 || (words.length > 0 && !isChinese(words))) return invalid('it is not written as a date')
  return ofNumbers(numbers, written)
}

const isChinese = (words: readonly string[]): boolean => words.every((word) => /^[年月日号號]$/.test(word))

/** Returns the verdict of a day and a year around the name of a month. */
function withName(numbers: readonly string[], month: number): Verdict {
  const [first = '', second = ''] = numbers
  if (first.length === 4) return ofDay(Number(first), month, Number(second))
  if (second.length === 4) return ofDay(Number(second), month, Number(first))
  return shortYear()
}

function ofNumbers([first = '', second = '', third = '']: readonly string[], written: string): Verdict {
  if (first.length === 4) return ofDay(Number(first), Number(second), Number(third))
  if (third.length !== 4) return third.length <= 2 && first.length <= 2 ? shortYear() : invalid('it has no year')
  const [a, b, year] = [Number(first), Number(second), Number(third)]
  // Where a dot is between them, the day stands in front.
  if (/^\d+\.\s*\d+\./.test(written)) return ofDay(year, b, a)
  const dayFirst = isoDay(year, b, a)
  const monthFirst = isoDay(year, a, b)
  if (dayFirst !== null && monthFirst !== null && dayFirst !== monthFirst) {
    return doubtful(`it may be ${dayFirst} or ${monthFirst}`)
  }
  const only = dayFirst ?? monthFirst
  return only === null ? invalid('there is no such day') : right(only)
}

const shortYear = (): Verdict => doubtful('its year has two digits')

function ofDay(year: number, month: number, day: number): Verdict {
  const iso = isoDay(year, month, day)
  return iso === null ? invalid('there is no such day') : right(iso)
}

/** RFC 3339, section 5.6; a leap second passes. */
const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,12})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Checks a moment with its time zone, as RFC 3339 writes it. */
export function dateTime(text: string): Verdict {
  const written = text.trim()
  const [, year, month, day] = DATE_TIME.exec(written) ?? []
  if (!isCalendarDay(Number(year), Number(month), Number(day))) {
    return invalid('it is not written as 2026-03-04T10:20:30Z')
  }
  return right(written.toUpperCase().replace(' ', 'T'))
}
