const LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'
const COMPANY_LETTERS = 'JABCDEFGHI'

/** Tells whether the check character of a Spanish NIF matches: of a person, a foreigner, or a company. */
export function isSpanishNumber(number: string): boolean {
  const [first = '', digits, check = ''] = [number[0], number.slice(1, 8), number[8]]
  if (/\d/.test(first)) return LETTERS[Number(first + digits) % 23] === check
  const foreigner = 'XYZ'.indexOf(first)
  if (foreigner >= 0) return LETTERS[Number(`${foreigner}${digits}`) % 23] === check
  // People without a DNI.
  if ('KLM'.includes(first)) return LETTERS[Number(digits) % 23] === check || isCompany(digits, check, first)
  return 'ABCDEFGHJNPQRSUVW'.includes(first) && isCompany(digits, check, first)
}

function isCompany(digits: string, check: string, kind: string): boolean {
  let sum = 0
  for (let index = 0; index < 7; index += 1) {
    const value = Number(digits[index]) * (index % 2 === 0 ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  const expected = (10 - (sum % 10)) % 10
  if (check === String(expected)) return !'KLMNPQRSW'.includes(kind)
  return check === COMPANY_LETTERS[expected] && !'ABEH'.includes(kind)
}
