import { diffArrays } from 'diff'

/** A run of words that both texts have, or one of them. */
export interface Run {
  readonly kind: 'both' | 'layer' | 'text'
  readonly words: readonly string[]
}

/** How two texts differ. */
export interface Comparison {
  /** Null: they have too little in common to be set side by side. */
  readonly runs: readonly Run[] | null
  /** What was set against each other. */
  readonly by: 'words' | 'lines'
  /** Whether a text was so long that its end was not looked at. */
  readonly isCut: boolean
}

/** The work grows with the square of the changes: so many take a fifth of a second. More tell nobody anything. */
const BOUNDS = { maxEditLength: 2000 }
const MAX_CHARACTERS = 100_000

/** A word as it is shown, with the space behind it, and as it is compared. */
interface Word {
  readonly shown: string
  readonly key: string
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** Compares a page's text layer with what was read, word by word; line by line where that would take too long. */
export function compareTexts(layer: string, text: string): Comparison {
  const isCut = layer.length > MAX_CHARACTERS || text.length > MAX_CHARACTERS
  const [before, after] = [layer.slice(0, MAX_CHARACTERS), text.slice(0, MAX_CHARACTERS)]
  const byWords = runsOf(wordsOf(before), wordsOf(after))
  if (byWords !== null) return { runs: byWords, by: 'words', isCut }
  return { runs: runsOf(linesOf(before), linesOf(after)), by: 'lines', isCut }
}

function runsOf(layer: readonly Word[], text: readonly Word[]): Run[] | null {
  const changes = diffArrays([...layer], [...text], { comparator: (a, b) => a.key === b.key, ...BOUNDS })
  return (
    changes?.map(({ added, removed, value }) => ({
      kind: added ? 'text' : removed ? 'layer' : 'both',
      words: value.map(({ shown }) => shown),
    })) ?? null
  )
}

/** Chinese, Japanese and Thai have no spaces between words; the segmenter knows theirs. */
function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const { segment } of segmenter.segment(text)) {
    const last = words.at(-1)
    if (segment.trim() !== '') words.push({ shown: segment, key: keyOf(segment) })
    else if (last !== undefined && !/\s$/.test(last.shown)) {
      words[words.length - 1] = { ...last, shown: last.shown + (segment.includes('\n') ? '\n' : ' ') }
    }
  }
  return words
}

const linesOf = (text: string): Word[] =>
  text
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '')
    .map((line) => ({ shown: `${line}\n`, key: keyOf(line) }))

/** Ligatures, full-width letters and kinds of quotation marks and dashes are no difference to a reader. */
const keyOf = (word: string): string =>
  word
    .normalize('NFKC')
    .replaceAll(/[‘’‚‛′]/g, "'")
    .replaceAll(/[“”„‟″]/g, '"')
    .replaceAll(/[‐‑‒–—−]/g, '-')
