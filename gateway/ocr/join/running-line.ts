/** A line as it is compared with those of other pages. */
export interface RunningLine {
  /** In lower case, with a sign in the place of each number. */
  readonly key: string
  /** The letters of it alone. */
  readonly letters: string
  /** In their order; Roman ones at its ends are numbers, too. */
  readonly numbers: readonly number[]
}

const NUMBER_SIGN = '#'
/** Up to 399: no page has more. */
const ROMAN = /^(?=[ivxlc])(c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})$/
const DIGITS = /\p{Nd}{1,9}/gu

/** Makes a line comparable. */
export function runningLine(text: string): RunningLine {
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const numbers: number[] = []
  const masked = words.map((word, index) => {
    const bare = word.replaceAll(/[^\p{L}\p{N}]/gu, '')
    const roman = index === 0 || index === words.length - 1 ? romanNumber(bare) : null
    if (roman !== null) {
      numbers.push(roman)
      return word.replace(bare, NUMBER_SIGN)
    }
    return word.replaceAll(DIGITS, (digits) => {
      numbers.push(numberOf(digits))
      return NUMBER_SIGN
    })
  })
  const key = masked.join(' ')
  return { key, letters: key.replaceAll(/[^\p{L}]/gu, ''), numbers }
}

function romanNumber(word: string): number | null {
  const [, hundreds = '', tens = '', ones = ''] = ROMAN.exec(word) ?? []
  const value = 100 * hundreds.length + 10 * romanDigit(tens, 'x', 'l', 'c') + romanDigit(ones, 'i', 'v', 'x')
  return value === 0 ? null : value
}

function romanDigit(signs: string, one: string, five: string, ten: string): number {
  if (signs === one + ten) return 9
  if (signs === one + five) return 4
  return (signs.startsWith(five) ? 5 : 0) + signs.replace(five, '').length
}

/** Digits of any script. */
function numberOf(digits: string): number {
  const ascii = Array.from(digits, (digit) => {
    const code = digit.codePointAt(0) ?? 0
    if (code < 0x80) return digit
    // The ten digits of a script stand in one run, which begins at a digit whose neighbour below is none.
    let zero = code
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
    return String(code - zero)
  })
  return Number(ascii.join(''))
}

/** How a line of one page goes together with that of another. */
export interface Match {
  /** Whether a number in it counts the pages. */
  readonly counts: boolean
  /** Of the other line. */
  readonly letters: string
}

/** Shorter ones must be equal: a letter more is another word. */
const MIN_SIMILAR = 10

/**
 * Compares two lines that stand so many pages apart. Their text is alike, and each number is the same or counts the pages, by one
 * or by two: a scan of an open book has two. Null where they do not go together.
 */
export function matchLines(line: RunningLine, other: RunningLine, distance: number): Match | null {
  if (line.numbers.length === other.numbers.length) {
    if (line.key !== other.key && !areSimilar(line.letters, other.letters)) return null
    let counts = false
    for (const [index, value] of line.numbers.entries()) {
      const step = (other.numbers[index] ?? 0) - value
      if (step === 0) continue
      if (step !== distance && step !== 2 * distance) return null
      counts = true
    }
    return line.letters === '' && !counts ? null : { counts, letters: other.letters }
  }
  // One of the numbers was misread as letters.
  return line.letters.length >= MIN_SIMILAR && areSimilar(line.letters, other.letters)
    ? { counts: false, letters: other.letters }
    : null
}

/** Tells whether two texts are the same but for what an engine may have misread. */
export function areSimilar(text: string, other: string): boolean {
  if (text === other) return true
  const longest = Math.max(text.length, other.length)
  if (longest < MIN_SIMILAR || longest > 4 * 200 || Math.abs(text.length - other.length) > 0.1 * longest) return false
  const pairs = new Map<string, number>()
  for (let at = 0; at + 1 < text.length; at++) {
    const pair = text.slice(at, at + 2)
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
  }
  let shared = 0
  for (let at = 0; at + 1 < other.length; at++) {
    const pair = other.slice(at, at + 2)
    const left = pairs.get(pair) ?? 0
    if (left > 0) shared += 1
    pairs.set(pair, left - 1)
  }
  return (2 * shared) / (text.length + other.length - 2) >= 0.85
}
