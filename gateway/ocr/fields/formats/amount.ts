import { doubtful, invalid, right, type Verdict } from './verdict.ts'

/** What stands for one currency alone. The signs of several stay as they are written: $, ¥, kr. */
const SIGNS: Readonly<Record<string, string>> = {
  '€': 'EUR',
  EURO: 'EUR',
  '£': 'GBP',
  '₹': 'INR',
  '₽': 'RUB',
  '₩': 'KRW',
  '₺': 'TRY',
  '₴': 'UAH',
  '₪': 'ILS',
  ZŁ: 'PLN',
  KČ: 'CZK',
  R$: 'BRL',
  US$: 'USD',
  元: 'CNY',
  RMB: 'CNY',
  円: 'JPY',
  FR: 'CHF',
  SFR: 'CHF',
}

const OPEN_SIGNS: ReadonlySet<string> = new Set(['$', '¥', 'KR'])

let codes: ReadonlySet<string> | null = null

/** What an amount is made of: its number, in digits with a point, and its currency. */
export interface Amount {
  readonly number: string
  readonly currency: string | null
}

/** Reads an amount of money as it is written: `1.234,56 €`, `$1,234.50`, `(12.00)`, `CHF 1'234.–`. */
export function amount(text: string): Verdict {
  const read = readAmount(text)
  if ('status' in read) return read
  return right(read.currency === null ? read.number : `${read.number} ${read.currency}`)
}

/** Reads an amount; where that cannot be done for sure, returns why. */
export function readAmount(text: string): Amount | Verdict {
  const written = text.normalize('NFKC').trim().replaceAll('−', '-')
  if (written.length > 60) return invalid('it is too long for an amount')
  const found =
    /^(\(?)\s*([-+]?)\s*([^\d\s()+-]*?)\s*([-+]?)\s*([\d.,'’\s]*\d)(,-{1,2}|\.-{1,2}|[.,]?–|[.,]?—)?\s*([^\d()+-]*?)\s*(-?)\s*(\)?)$/u.exec(
      written,
    )
  if (found === null) return invalid('it is not written as an amount')
  const [, open, sign, before = '', innerSign, digits = '', , after = '', trailing, close] = found
  if ((open === '(') !== (close === ')')) return invalid('it is not written as an amount')
  const currency = currencyOf(before, after)
  if (currency === undefined) return invalid('what stands beside the number is no currency')
  const number = readNumber(digits.trim())
  if (typeof number !== 'string') return number
  const isNegative = open === '(' || sign === '-' || innerSign === '-' || trailing === '-'
  return { number: isNegative ? `-${number}` : number, currency }
}

/** Null where none stands there; undefined where something else does. */
function currencyOf(before: string, after: string): string | null | undefined {
  const signs = [before, after]
    .map((sign) => sign.trim().replace(/\.$/, '').toUpperCase())
    .filter((sign) => sign !== '')
  const found = signs.map(currency)
  if (found.includes(undefined) || new Set(found).size > 1) return undefined
  return found[0] ?? null
}

function currency(sign: string): string | undefined {
  if (Object.hasOwn(SIGNS, sign)) return SIGNS[sign]
  if (OPEN_SIGNS.has(sign)) return sign === 'KR' ? 'kr' : sign
  codes ??= new Set(Intl.supportedValuesOf('currency'))
  return codes.has(sign) ? sign : undefined
}

/** Reads digits with a point or a comma, and groups of three between points, commas, apostrophes or spaces. */
function readNumber(digits: string): string | Verdict {
  const plain = digits.replaceAll(/[\s'’]/g, ' ')
  const marks = [...plain.matchAll(/[.,]/g)]
  const last = marks.at(-1)
  const kinds = new Set(marks.map(([mark]) => mark))
  if (last === undefined) return grouped(plain, null)
  const [whole, rest] = [plain.slice(0, last.index), plain.slice(last.index + 1)]
  // The last of two kinds parts the decimals; the only kind, where it stands once, may part groups as well.
  if (kinds.size === 2) return marks.filter(([mark]) => mark === last[0]).length > 1 ? bad() : grouped(whole, rest)
  if (marks.length > 1) return grouped(plain, null)
  const isOpen = rest.length === 3 && /^[1-9]\d{0,2}$/.test(whole)
  if (isOpen) return doubtful(`it may be ${whole}${rest} or ${whole}.${rest}`)
  return grouped(whole, rest)
}

const bad = (): Verdict => invalid('its digits are not in groups of three')

function grouped(whole: string, decimals: string | null): string | Verdict {
  if (decimals !== null && !/^\d+$/.test(decimals)) return bad()
  if (!/^(?:\d*|\d{1,3}(?:([ .,])\d{3})(?:\1\d{3})*)$/.test(whole)) return bad()
  const digits = whole.replaceAll(/[ .,]/g, '').replace(/^0+(?=\d)/, '') || '0'
  return decimals === null ? digits : `${digits}.${decimals}`
}
