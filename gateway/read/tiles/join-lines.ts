import { areDifferentNumbers, similarity } from './overlap.ts'

/** With a smaller share of continued lines, two tiles hold columns of their own and not the halves of one text. */
const MIN_CONTINUED_SHARE = 0.4

/**
 * Joins the text of a tile with that of the tile to its right. Joins line by line where lines of the left tile end as
 * lines of the right tile begin; otherwise the tiles hold columns of their own, and one text follows the other.
 */
export function joinLines(left: string, right: string): string {
  if (left.trim() === '') return right
  if (right.trim() === '') return left
  const [lines, continuations] = [left.trimEnd().split('\n'), right.split('\n').filter((line) => line.trim() !== '')]
  const joined: string[] = []
  let [next, found] = [0, 0]
  for (const line of lines) {
    const match = line.trim() === '' ? null : findContinuation(line, continuations, next)
    if (match === null) {
      joined.push(line)
      continue
    }
    joined.push(...continuations.slice(next, match.index), match.joined)
    next = match.index + 1
    found++
  }
  const fewer = Math.min(lines.filter((line) => line.trim() !== '').length, continuations.length)
  if (found < Math.max(1, MIN_CONTINUED_SHARE * fewer)) return `${left.trimEnd()}\n\n${right.trimStart()}`
  return [...joined, ...continuations.slice(next)].join('\n')
}

function findContinuation(line: string, continuations: readonly string[], from: number) {
  for (let index = from; index < continuations.length; index++) {
    const joined = joinLine(line, continuations[index]!)
    if (joined !== null) return { index, joined }
  }
  return null
}

/** Characters at a cut that may be left of a letter that the tile's edge cut through, or of a table's border. */
const MAX_CUT_CHARACTERS = 3
const MAX_OVERLAP_CHARACTERS = 60
/** Fewer letters agree by chance. */
const MIN_LETTERS = 4

/** Joins two parts of a line that share some letters; null when they share none. */
function joinLine(left: string, right: string): string | null {
  const [start, end] = [left.trimEnd(), right.trimStart()]
  for (let length = Math.min(MAX_OVERLAP_CHARACTERS, start.length, end.length); length >= MIN_LETTERS; length--)
    for (let cut = 0; cut <= MAX_CUT_CHARACTERS; cut++)
      for (let skipped = 0; skipped <= MAX_CUT_CHARACTERS; skipped++) {
        if (!isFragment(cut, start.slice(-cut - 1)) || !isFragment(skipped, end.slice(0, skipped + 1))) continue
        const [tail, head] = [start.slice(0, start.length - cut).slice(-length), end.slice(skipped, skipped + length)]
        if (isSame(tail, head)) return start.slice(0, start.length - cut) + end.slice(skipped + length)
      }
  return null
}

/** Tells whether `length` characters, given with their neighbour, are part of a word or of a table's border. */
function isFragment(length: number, text: string): boolean {
  return length === 0 || !/\s/.test(text) || /^.?[\s|]+.?$/.test(text)
}

function isSame(tail: string, head: string): boolean {
  const letters = tail.replace(/[^\p{L}\p{N}]/gu, '')
  if (letters.length < MIN_LETTERS) return false
  if (tail === head) return true
  if (areDifferentNumbers(tail, head)) return false
  return (
    letters.length >= 2 * MIN_LETTERS &&
    tail[0] === head[0] &&
    tail.at(-1) === head.at(-1) &&
    similarity(tail, head) >= 0.85
  )
}
