import { weighted } from './check-digits.ts'
import { isCalendarDay } from './calendar.ts'
import { bare, doubtful, invalid, right, type Verdict } from './verdict.ts'

const ID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const ID_CHECKS = '10X98765432'

/** Checks the number of a Chinese resident identity card: the birthday in it, and its check character (GB 11643-1999). */
export function cnId(text: string): Verdict {
  const code = bare(text)
  if (/^\d{15}$/.test(code)) return doubtful('numbers of 15 digits, given out before 1999, have no check digit', code)
  if (!/^[1-9]\d{16}[\dX]$/.test(code)) return invalid('it has not 17 digits and a check character')
  const [year, month, day] = [code.slice(6, 10), code.slice(10, 12), code.slice(12, 14)].map(Number)
  if (!isCalendarDay(year ?? 0, month ?? 0, day ?? 0)) return invalid('the birthday in it is no day of a calendar')
  return ID_CHECKS[weighted(code, ID_WEIGHTS) % 11] === code[17]
    ? right(code)
    : invalid('its check digit does not match')
}

const USCC = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const USCC_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

/** Checks a Chinese unified social credit code, which is also the tax number of a company (GB 32100-2015). */
export function cnUscc(text: string): Verdict {
  const code = bare(text)
  if (code.length !== 18) return invalid(`it has ${code.length} characters, and should have 18`)
  const values = code.split('').map((character) => USCC.indexOf(character))
  if (values.includes(-1)) return invalid('it has a character that these codes do not have, such as I, O, S, V or Z')
  const sum = USCC_WEIGHTS.reduce((total, weight, index) => total + weight * (values[index] ?? 0), 0)
  return (31 - (sum % 31)) % 31 === values[17] ? right(code) : invalid('its check character does not match')
}
