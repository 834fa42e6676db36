import { isLuhn, isMod11And10, weighted } from './check-digits.ts'
import { remainder97 } from './iban.ts'
import { isSpanishNumber } from './spanish-number.ts'
import { bare, doubtful, invalid, right, type Verdict } from './verdict.ts'

/** What follows the letters of a country, and whether its check digits match; null: only its shape is known. */
interface Country {
  readonly shape: RegExp
  readonly matches: ((number: string) => boolean) | null
}

const shapeOnly = (shape: RegExp): Country => ({ shape, matches: null })

/**
 * Shapes: the European Commission's list (VIES, "What is the format of a VAT number?"). Check digits: as python-stdnum
 * computes them (https://arthurdejong.org/python-stdnum/), from each country's own rules.
 */
const COUNTRIES: Readonly<Record<string, Country>> = {
  AT: { shape: /^U\d{8}$/, matches: (number) => austrian(number.slice(1)) },
  BE: { shape: /^[01]\d{9}$/, matches: (number) => 97 - (Number(number.slice(0, 8)) % 97) === Number(number.slice(8)) },
  BG: shapeOnly(/^\d{9,10}$/),
  CY: shapeOnly(/^\d{8}[A-Z]$/),
  CZ: shapeOnly(/^\d{8,10}$/),
  DE: { shape: /^[1-9]\d{8}$/, matches: isMod11And10 },
  DK: { shape: /^\d{8}$/, matches: (number) => weighted(number, [2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 },
  EE: { shape: /^\d{9}$/, matches: (number) => weighted(number, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0 },
  EL: {
    shape: /^\d{9}$/,
    matches: (number) => ((weighted(number, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10).toString() === number[8],
  },
  ES: { shape: /^[A-Z\d]\d{7}[A-Z\d]$/, matches: isSpanishNumber },
  FI: { shape: /^\d{8}$/, matches: (number) => weighted(number, [7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 0 },
  FR: { shape: /^[A-HJ-NP-Z\d]{2}\d{9}$/, matches: french },
  HR: { shape: /^\d{11}$/, matches: isMod11And10 },
  HU: { shape: /^\d{8}$/, matches: (number) => weighted(number, [9, 7, 3, 1, 9, 7, 3, 1]) % 10 === 0 },
  IE: { shape: /^\d[A-Z\d+*]\d{5}[A-W][A-I]?$/, matches: irish },
  IT: { shape: /^\d{11}$/, matches: isLuhn },
  LT: shapeOnly(/^(?:\d{9}|\d{12})$/),
  LU: { shape: /^\d{8}$/, matches: (number) => Number(number.slice(0, 6)) % 89 === Number(number.slice(6)) },
  LV: shapeOnly(/^\d{11}$/),
  MT: { shape: /^\d{8}$/, matches: (number) => maltese(number) },
  NL: { shape: /^\d{9}B\d{2}$/, matches: dutch },
  PL: {
    shape: /^\d{10}$/,
    matches: (number) => weighted(number, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === Number(number[9]),
  },
  PT: { shape: /^[1-9]\d{8}$/, matches: portuguese },
  RO: shapeOnly(/^[1-9]\d{1,9}$/),
  SE: { shape: /^\d{10}\d{2}$/, matches: (number) => isLuhn(number.slice(0, 10)) },
  SI: { shape: /^[1-9]\d{7}$/, matches: slovenian },
  SK: { shape: /^[1-9]\d{9}$/, matches: (number) => Number(number) % 11 === 0 },
  XI: shapeOnly(/^(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})$/),
}

/** Checks the VAT number of a country of the European Union: its shape, and its check digits where these are simple. */
export function vatId(text: string): Verdict {
  const code = bare(text)
  const prefix = code.startsWith('GR') ? 'EL' : code.slice(0, 2)
  const country = Object.hasOwn(COUNTRIES, prefix) ? COUNTRIES[prefix] : undefined
  if (country === undefined) {
    return /^\d/.test(code) && code.length <= 12
      ? doubtful('without the letters of its country it cannot be checked')
      : invalid('it does not begin with the letters of a country of the European Union')
  }
  const number = prefix === 'BE' && code.length === 11 ? `0${code.slice(2)}` : code.slice(2)
  if (!country.shape.test(number)) return invalid(`no VAT number of ${prefix} looks like this`)
  if (country.matches?.(number) === false) return invalid('its check digits do not match')
  return right(prefix + number)
}

/** https://www.bmf.gv.at: Luhn's rule, plus four. */
function austrian(digits: string): boolean {
  let sum = 4
  for (let index = 0; index < 7; index += 1) {
    const value = Number(digits[index]) * (index % 2 === 1 ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return (10 - (sum % 10)) % 10 === Number(digits[7])
}

/** The two characters in front are a check of the SIREN behind them; those with a letter have a rule of their own. */
function french(number: string): boolean {
  const [key, siren] = [number.slice(0, 2), number.slice(2)]
  // Monaco's begin with 000, and are no SIREN.
  if (!siren.startsWith('000') && !isLuhn(siren)) return false
  return /[A-Z]/.test(key) || Number(`${siren}12`) % 97 === Number(key)
}

function irish(number: string): boolean {
  // Numbers of before 2013, with a letter in second place, have their digits in another order.
  const digits = /^\d{7}/.test(number) ? number : `0${number.slice(2, 7)}${number[0]}${number.slice(7)}`
  const letters = 'WABCDEFGHIJKLMNOPQRSTUV'
  const last = digits[8] === undefined ? 0 : 9 * letters.indexOf(digits[8])
  return letters[(weighted(digits, [8, 7, 6, 5, 4, 3, 2]) + last) % 23] === digits[7]
}

const maltese = (number: string): boolean =>
  37 - (weighted(number, [3, 4, 6, 7, 8, 9]) % 37) === Number(number.slice(6))

/** Those of companies are checked modulo 11, and those of sole traders, since 2020, with all of it modulo 97. */
function dutch(number: string): boolean {
  const digits = number.slice(0, 9)
  return weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 || remainder97(`NL${number}`) === 1
}

function portuguese(number: string): boolean {
  const check = 11 - (weighted(number, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return (check > 9 ? 0 : check) === Number(number[8])
}

function slovenian(number: string): boolean {
  const check = 11 - (weighted(number, [8, 7, 6, 5, 4, 3, 2]) % 11)
  return check !== 11 && check % 10 === Number(number[7])
}
