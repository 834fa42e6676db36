import { estimateTokens } from './estimate-tokens.ts'

/** A text that ends with the same piece over and over. */
export interface Loop {
  /** Where the first copy begins. */
  readonly start: number
  /** The piece, as it stands at the very end: which of its characters comes first is chance. */
  readonly piece: string
  readonly repeats: number
}

/**
 * How much repetition is a loop. `strict` cuts soon and may take a form with hundreds of empty cells for one; `lenient`
 * is for the last attempt, where such a form must get its chance to end by itself, as no loop does.
 */
export type LoopMeasure = 'strict' | 'lenient'

/** Only the end of a text is looked at: three copies of the longest piece that matters. Characters. */
const WINDOW_CHARACTERS = 8000

/** How few copies are enough, by the estimated tokens of the piece: short ones are repeated on honest pages. */
const REPEATS = [
  { pieceTokens: 300, repeats: 3 },
  { pieceTokens: 100, repeats: 4 },
  { pieceTokens: 0, repeats: 8 },
] as const

/**
 * Estimated tokens that must be spent on copies. Thirty equal address labels cost 400, a blank grid of 40 rows and 12
 * columns 2,100; a tenth of what a page may cost (LightOnOCR: 12,288) is 1,200.
 */
const MIN_TOKENS = {
  words: { strict: 500, lenient: 800 },
  signs: { strict: 700, lenient: 2400 },
} as const

/** Of one or two characters over and over: the longest honest run is a dotted line across the page. Characters. */
const MIN_RUN_CHARACTERS = 1000

/**
 * Finds out whether a text ends in a loop: a piece that is repeated without any change, so often and at such a length
 * that no page has it. HunyuanOCR's client looks for 8 copies of at most 256 characters once there are 4,000
 * (inference/utils/output_utils.py in https://github.com/Tencent-Hunyuan/HunyuanOCR at c55965d), which is a dot leader
 * too; what counts here is what the copies cost.
 */
export function findLoop(text: string, measure: LoopMeasure): Loop | null {
  const found = findIn(text.slice(-WINDOW_CHARACTERS), (piece, length) => isLoop(piece, length, measure))
  if (found === null) return null
  const { piece, length } = found
  let start = text.length - length
  while (start > 0 && text[start - 1] === text[start - 1 + piece.length]) start--
  return { start, piece, repeats: (text.length - start) / piece.length }
}

/** A page has lines that differ by a number alone, but not so many with words in them: a page has some eighty lines. */
const COUNT = { repeats: 120, letters: 8, window: 2 * WINDOW_CHARACTERS } as const

/** Finds out whether a text ends in lines that only count on: "Figure 1: …", "Figure 2: …". */
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

/** Returns where the end of a text begins that has this length once each number in it is one character. */
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
  /** Of all copies, the first perhaps not whole. */
  readonly length: number
}

/**
 * Finds the longest end that repeats a piece and passes the test. Read backwards, an end is a prefix, and the failure
 * function of Knuth, Morris and Pratt gives the smallest period of every prefix in one pass.
 */
function findIn(text: string, test: (piece: string, length: number) => boolean): RepeatedEnd | null {
  // The very end of a loop stands in the text before; on most pages this is all that is done.
  const PROBE = 8
  if (text.length <= PROBE || text.lastIndexOf(text.slice(-PROBE), text.length - PROBE - 1) < 0) return null
  let found: RepeatedEnd | null = null
  // Periods only grow with the prefix, so each is looked at once, at its longest.
  for (const { period, length } of repeatedEnds(text)) {
    const piece = text.slice(-period)
    if (test(piece, length)) found = { piece, length }
  }
  return found
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

/** Returns what a piece says: without tags, entities and LaTeX commands, which say nothing. */
function wordsOf(piece: string): string {
  // It may begin in the middle of one: turned until it begins with one, none is cut in two.
  const first = Math.max(0, piece.search(/[<\\&]/))
  const turned = piece.slice(first) + piece.slice(0, first)
  return turned.replaceAll(/<\/?[a-z][^<>]*>|&#?\w+;|\\[a-z]+/gi, ' ')
}

/** Watches a text grow, and says when it has become a loop. */
export interface LoopWatch {
  /** Takes the whole text so far. */
  see(text: string): Loop | null
}

/** How much must have been added before it is worth another look; a loop costs so much more at most. Characters. */
const STEP_CHARACTERS = 128

/** Below this nothing is a loop. Characters: 500 tokens of Chinese. */
const MIN_LOOP_CHARACTERS = 512

/** Counting is looked for less often: it takes the longer window, and more copies to be one. Characters. */
const COUNT_STEP_CHARACTERS = 1024

/** Starts to watch a text. */
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
