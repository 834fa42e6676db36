import { plainText } from '../../../gateway/ocr/markdown/plain-text.ts'
import { comparableWords } from '../../../gateway/read/evidence/comparable-words.ts'
import { pointsOf } from './indel.ts'

/** How the words of a text stand to those that it should have, as bags: neither order nor marks count. Shares, 0 to 1. */
export interface Words {
  /** Of the true words, those that were found. */
  readonly recall: number
  /** Of the words that were found, those that are true. */
  readonly precision: number
}

/** Compares the words of a text with those of the truth; both may be Markdown. */
export function compareWords(truth: string, text: string): Words {
  const [wanted, found] = [truth, text].map((each) => comparableWords(plainText(each)).map(({ key }) => key)) as [
    string[],
    string[],
  ]
  const left = new Map<string, number>()
  for (const word of found) left.set(word, (left.get(word) ?? 0) + 1)
  let common = 0
  for (const word of wanted) {
    const count = left.get(word) ?? 0
    if (count === 0) continue
    left.set(word, count - 1)
    common += 1
  }
  return {
    recall: wanted.length === 0 ? 1 : common / wanted.length,
    precision: found.length === 0 ? Number(wanted.length === 0) : common / found.length,
  }
}

/** Longer texts take too long: the time grows with the square. */
const MAX_CHARACTERS = 12_000

/**
 * Returns the share of characters that are to be changed to make the truth of a text: insertions, deletions and
 * substitutions by the length of the truth, which can be more than 1. White space counts as one space. Null where either is
 * too long.
 */
export function characterErrorRate(truth: string, text: string): number | null {
  const [wanted, found] = [truth, text].map((each) =>
    pointsOf(plainText(each).replaceAll(/\s+/gu, ' ').trim().normalize('NFC')),
  ) as [Uint32Array, Uint32Array]
  if (Math.max(wanted.length, found.length) > MAX_CHARACTERS) return null
  if (wanted.length === 0) return found.length === 0 ? 0 : 1
  return editDistance(wanted, found) / wanted.length
}

function editDistance(one: Uint32Array, other: Uint32Array): number {
  const row = Uint32Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let at = 0; at < one.length; at++) {
    let diagonal = row[0]!
    row[0] = at + 1
    for (let column = 1; column <= other.length; column++) {
      const above = row[column]!
      const changed = diagonal + (one[at] === other[column - 1] ? 0 : 1)
      row[column] = Math.min(changed, above + 1, row[column - 1]! + 1)
      diagonal = above
    }
  }
  return row[other.length]!
}
