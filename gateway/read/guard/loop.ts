import { estimateTokens } from './estimate-tokens.ts'

/** A text that ends with the same piece over and over. */
export interface Loop {
  /** Where the first copy begins. */
  readonly start: number
  /** The piece as it stands at the very end. It may begin at any character of the pattern. */
  readonly piece: string
  readonly repeats: number
}

/**
 * How much repetition is a loop. `strict` cuts early and may mistake a form with hundreds of empty cells for one.
 * `lenient` is for the last attempt: such a form must be able to end by itself, which a loop never does.
 */
export type LoopMeasure = 'strict' | 'lenient'

/** The end of a text that is searched: three copies of the longest piece that matters. */
const WINDOW_CHARACTERS = 8000

/** How many copies make a loop, by the estimated tokens of the piece: real pages repeat short pieces. */
const REPEATS = [
  { pieceTokens: 300, repeats: 3 },
  { pieceTokens: 100, repeats: 4 },
  { pieceTokens: 0, repeats: 8 },
] as const

/**
 * Estimated tokens that the copies of a loop cost at least. Thirty equal address labels cost 400, a blank grid of 40
 * rows and 12 columns 2,100; a tenth of what a page may cost (LightOnOCR: 12,288) is 1,200.
 */
const MIN_TOKENS = {
  words: { strict: 500, lenient: 800 },
  signs: { strict: 700, lenient: 2400 },
} as const

/** Of a piece of one or two characters. The longest run on real pages is a dotted line across the page. */
const MIN_RUN_CHARACTERS = 1000

/**
 * Finds a loop at the end of a text: a piece that is repeated unchanged, more often and at greater length than any page
 * repeats one. HunyuanOCR's client looks for 8 copies of at most 256 characters once there are 4,000
 * (inference/utils/output_utils.py in https://github.com/Tencent-Hunyuan/HunyuanOCR at c55965d), and so finds dot
 * leaders too; here the tokens of the copies decide.
 */
export function findLoop(text: string, measure: LoopMeasure): Loop | null {
  const found = findIn(text.slice(-WINDOW_CHARACTERS), (piece, length) => isLoop(piece, length, measure))
  if (found === null) return null
  const { piece, length } = found
  let start = text.length - length
  while (start > 0 && text[start - 1] === text[start - 1 + piece.length]) start--
  return { start, piece, repeats: (text.length - start) / piece.length }
}

/**
 * A page may have lines that differ only in a number, but not so many with words in them: it has about eighty lines.
 */
const COUNT = { repeats: 120, letters: 8, window: 2 * WINDOW_CHARACTERS } as const

/** Finds lines at the end of a text that differ only in their numbers: "Figure 1: …", "Figure 2: …". */
export function findCount(text: string): Loop | null {
  const folded = text.slice(-COUNT.window).replaceAll(/\d+/g, '0')
  const found = findIn(folded, (piece, length) => {
    const letters = wordsOf(piece).match(/\p{L}/gu)?.length ?? 0
    return length / piece.length >= COUNT.repeats && letters >= COUNT.letters && piece.includes('0')
  })
  if (found === null) return null
  const { piece, length } = found
  return { start: unfoldedStart(text, length), piece, repeats: length / piece.length }
}

/** Returns where the end of a text begins, given the length of that end with each number folded to one character. */
function unfoldedStart(text: string, foldedLength: number): number {
  let start = text.length
  for (let left = foldedLength; left > 0 && start > 0; left--) {
    start -= 1
    while (isDigit(text[start]) && isDigit(text[start - 1])) start -= 1
  }
  return start
}

const isDigit = (character: string | undefined): boolean => character !== undefined && /\d/.test(character)

interface RepeatedEnd {
  readonly piece: string
  /** Of all copies together; the first may be incomplete. */
  readonly length: number
}

/**
 * Finds the longest end that repeats a piece and passes the test. Read backwards, an end is a prefix, and the failure
 * function of Knuth, Morris and Pratt gives the smallest period of every prefix in one pass.
 */
function findIn(text: string, test: (piece: string, length: number) => boolean): RepeatedEnd | null {
  if (!mayRepeat(text)) return null
  let found: RepeatedEnd | null = null
  // Periods only grow with the prefix, so each is tested once, at its longest end.
  for (const { period, length } of repeatedEnds(text)) {
    const piece = text.slice(-period)
    if (test(piece, length)) found = { piece, length }
  }
  return found
}

/** The last characters of a loop occur in it before. */
const PROBE = 8

/** Whether an end of a text is three copies of some piece: of most texts that is known without a search. */
function mayRepeat(text: string): boolean {
  const { length } = text
  const probe = text.slice(-PROBE)
  for (let at = length - PROBE; at > 0; ) {
    at = text.lastIndexOf(probe, at - 1)
    const period = length - PROBE - at
    if (at < 0 || 3 * period > length) return false
    let equal = PROBE
    while (equal < 2 * period && text[length - 1 - equal] === text[length - 1 - equal - period]) equal += 1
    if (equal >= 2 * period) return true
  }
  return false
}

/** Returns the ends of a text that are at least three copies of a piece, with the longest end for each piece. */
function repeatedEnds(text: string): { period: number; length: number }[] {
  const size = text.length
  const codeAt = (index: number) => text.charCodeAt(size - 1 - index)
  const borders = new Int32Array(size + 1)
  const ends: { period: number; length: number }[] = []
  let period = 1
  for (let length = 2, border = 0; length <= size; length++) {
    const code = codeAt(length - 1)
    while (border > 0 && codeAt(border) !== code) border = borders[border] ?? 0
    if (codeAt(border) === code) border += 1
    borders[length] = border
    if (length - border === period) continue
    if (length - 1 >= 3 * period) ends.push({ period, length: length - 1 })
    period = length - border
  }
  if (size >= 3 * period) ends.push({ period, length: size })
  return ends
}

function isLoop(piece: string, length: number, measure: LoopMeasure): boolean {
  if (piece.length <= 2) return length >= MIN_RUN_CHARACTERS
  const repeats = length / piece.length
  const pieceTokens = estimateTokens(piece)
  const enough = REPEATS.find((step) => pieceTokens >= step.pieceTokens)?.repeats ?? Infinity
  const kind = /\p{L}{2}|\p{Script=Han}/u.test(wordsOf(piece)) ? 'words' : 'signs'
  return repeats >= enough && pieceTokens * repeats >= MIN_TOKENS[kind][measure]
}

/** What models write around a block's text to say what it is and where: DeepSeek's tags, and members of a JSON object. */
const AROUND = /<\|ref\|>[^<]*<\|\/ref\|>|<\|\/?\w+\|>|"(?:bbox|category)"\s*:\s*(?:"[^"]*"|\[[^\]]*\])|"text"\s*:/g

/** Returns the words of a piece, without tags, entities, LaTeX commands and what says where a block stands. */
function wordsOf(piece: string): string {
  // The piece may begin in the middle of one; rotated to begin with one, it splits none.
  const first = Math.max(0, piece.search(/[<\\&{]/))
  const turned = piece.slice(first) + piece.slice(0, first)
  return turned.replaceAll(AROUND, ' ').replaceAll(/<\/?[a-z][^<>]*>|&#?\w+;|\\[a-z]+/gi, ' ')
}

/** Watches a growing text, and reports when it ends in a loop. */
export interface LoopWatch {
  /** Takes the whole text so far; returns null while there is no loop. */
  see(text: string): Loop | null
}

/** What a text must grow by before it is searched again, and so the most that a loop may grow unnoticed. */
const STEP_CHARACTERS = 128

/** A shorter text is no loop: 500 tokens of Chinese. */
const MIN_LOOP_CHARACTERS = 512

/** The same for counting lines, which need a longer window and more copies. */
const COUNT_STEP_CHARACTERS = 1024

/** Creates the watch of one text. */
export function watchForLoop(measure: LoopMeasure): LoopWatch {
  let nextLook = MIN_LOOP_CHARACTERS
  let nextCount = COUNT_STEP_CHARACTERS
  return {
    see(text) {
      if (text.length < nextLook) return null
      nextLook = text.length + STEP_CHARACTERS
      const loop = findLoop(text, measure)
      if (loop !== null || text.length < nextCount) return loop
      nextCount = text.length + COUNT_STEP_CHARACTERS
      return findCount(text)
    },
  }
}
