import { estimateTokens } from '../../read/guard/estimate-tokens.ts'

/** Where a text may be cut: behind a sentence, or behind a line; else behind a word, and anywhere where one is too long. */
export type Cuts = 'sentences' | 'lines'

/** No atom is estimated at more tokens. */
export const MAX_ATOM_TOKENS = 12
const ATOM = /[^\s。！？]{1,8}[。！？]{0,2}\s{0,20}|[。！？]{1,8}\s{0,20}|\s{1,20}/gu
const SENTENCE_END = /(?:[.!?…]["'”’»)\]]{0,3}\s+|[。！？]["'”’」』）]{0,3}\s*|\n\s*\n\s*)$/u
/** A part that is cut at a better place has at least this share of the tokens that it may have. */
const LEAST_SHARE = 0.4
/** Longer texts are not looked into: it would take more than 50 ms of the event loop. */
const MAX_LENGTH = 64 * 1024

/** Estimates how many tokens a text is; of a very long one it takes each sign for one. */
export function tokensOf(text: string): number {
  return text.length > 4 * MAX_LENGTH ? text.length : estimateTokens(text)
}

/** Returns where the parts of a text end: the first has at most `room` tokens, as they are estimated, the others `most`. */
export function splitText(text: string, room: number, most: number, cuts: Cuts): number[] {
  if (text.length > MAX_LENGTH) return splitAnywhere(text, room, most)
  const atoms = atomsOf(text, cuts)
  const ends: number[] = []
  let first = 0
  let limit = room
  while (first < atoms.length) {
    first = partEnd(atoms, first, limit)
    ends.push(atoms[first - 1]!.end)
    limit = most
  }
  return ends
}

interface Atom {
  readonly end: number
  readonly tokens: number
  /** How good a place its end is to cut a text at. */
  readonly rank: 0 | 1 | 2
}

function atomsOf(text: string, cuts: Cuts): Atom[] {
  return [...text.matchAll(ATOM)].map(({ 0: atom, index }) => {
    const isEnd = cuts === 'lines' ? atom.includes('\n') : SENTENCE_END.test(atom)
    return { end: index + atom.length, tokens: estimateTokens(atom), rank: isEnd ? 2 : /\s$/.test(atom) ? 1 : 0 }
  })
}

/** Returns the atom that begins the next part: of the best places to cut at, the last one that leaves a part of some size. */
function partEnd(atoms: readonly Atom[], first: number, limit: number): number {
  const ends: [number, number, number] = [first + 1, 0, 0]
  let tokens = 0
  for (let index = first; index < atoms.length; index += 1) {
    const { tokens: more, rank } = atoms[index]!
    if (tokens + more > limit) return ends[2] || ends[1] || ends[0]
    tokens += more
    ends[0] = index + 1
    if (tokens >= LEAST_SHARE * limit) ends[rank] = index + 1
  }
  return atoms.length
}

/** A sign has hardly more than one token. */
function splitAnywhere(text: string, room: number, most: number): number[] {
  const ends: number[] = []
  for (let end = Math.max(1, Math.floor(room)); end < text.length; end += most) {
    // Not between the halves of one sign.
    ends.push(/[\uDC00-\uDFFF]/.test(text[end] ?? '') ? end + 1 : end)
  }
  return [...ends, text.length]
}
