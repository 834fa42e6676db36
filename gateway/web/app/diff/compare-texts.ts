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
  /** How many words, or lines, only the layer has. */
  readonly missing: number
  /** And only the text. */
  readonly more: number
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
  const runs = byWords ?? runsOf(linesOf(before), linesOf(after))
  return {
    runs: runs === null ? null : withoutChance(runs),
    missing: countOf(runs, 'layer'),
    more: countOf(runs, 'text'),
    by: byWords === null ? 'lines' : 'words',
    isCut,
  }
}

const countOf = (runs: readonly Run[] | null, kind: Run['kind']): number =>
  (runs ?? []).reduce((sum, run) => sum + (run.kind === kind ? run.words.length : 0), 0)

function runsOf(layer: readonly Word[], text: readonly Word[]): Run[] | null {
  const changes = diffArrays([...layer], [...text], { comparator: (a, b) => a.key === b.key, ...BOUNDS })
  return (
    changes?.map(({ added, removed, value }) => ({
      kind: added ? 'text' : removed ? 'layer' : 'both',
      words: value.map(({ shown }) => shown),
    })) ?? null
  )
}

/** A word or two that both have in the middle of other text, such as "the", are there by chance, and tear it into shreds. */
const CHANCE_WORDS = 2
const OTHER_WORDS = 3

function withoutChance(runs: readonly Run[]): Run[] {
  const kept: Run[] = []
  let layer: string[] = []
  let text: string[] = []
  const end = (): void => {
    if (layer.length > 0) kept.push({ kind: 'layer', words: layer })
    if (text.length > 0) kept.push({ kind: 'text', words: text })
    layer = []
    text = []
  }
  for (const [index, { kind, words }] of runs.entries()) {
    const isShort = words.length <= CHANCE_WORDS
    const isBetween = changedBefore(runs, index) >= OTHER_WORDS && changedAfter(runs, index) >= OTHER_WORDS
    if (kind === 'both' && !(isShort && isBetween)) {
      end()
      kept.push({ kind, words })
    }
    if (kind === 'layer' || (kind === 'both' && isShort && isBetween)) layer.push(...words)
    if (kind === 'text' || (kind === 'both' && isShort && isBetween)) text.push(...words)
  }
  end()
  return kept
}

const changedBefore = (runs: readonly Run[], index: number): number =>
  changed(runs[index - 1]) + changed(runs[index - 2])
const changedAfter = (runs: readonly Run[], index: number): number =>
  changed(runs[index + 1]) + changed(runs[index + 2])
const changed = (run: Run | undefined): number => (run === undefined || run.kind === 'both' ? 0 : run.words.length)

/** What stands before the items of a list is layout. */
const BULLET = /^[•◦▪▫‣∙●○■□]$/u

/** Chinese, Japanese and Thai have no spaces between words; the segmenter knows theirs. */
function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const { segment } of segmenter.segment(text)) {
    const last = words.at(-1)
    if (BULLET.test(segment)) continue
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
