import type { SurePiece } from './engine.ts'

/** Answers with more tokens are no records: of them nothing is kept. */
const MAX_PIECES = 16_384

/** Takes what is said of the tokens of an answer, piece by piece. */
export interface SurePieceRecorder {
  /** Takes the next text, and the natural logarithms of the probabilities of its tokens with their lengths in characters. */
  add(text: string, logprobs: readonly number[], lengths: readonly number[]): void
  /** Null where nothing is known, or there was too much. */
  read(): readonly SurePiece[] | null
}

/**
 * Creates a recorder. A token is a piece where its text is known; where tokens have other text than what came, as halves of
 * letters do, all that came together is one piece, as sure as its least sure token.
 */
export function createSurePieceRecorder(): SurePieceRecorder {
  const pieces: SurePiece[] = []
  /** Of tokens without text, which belong to the letter that follows. */
  let pending: number[] = []
  let end = 0
  let isKnown = false
  const push = (at: number, logprobs: readonly number[]): void => {
    const known = logprobs.filter((logprob) => !Number.isNaN(logprob))
    isKnown ||= known.length > 0
    // 1 stands for: not known. No logarithm of a probability is above 0.
    pieces.push([at, known.length === 0 ? 1 : rounded(Math.min(0, ...known))])
  }
  return {
    add(text, logprobs, lengths) {
      if (pieces.length > MAX_PIECES) return
      if (text === '') {
        pending.push(...logprobs.slice(0, 8))
        return
      }
      const start = end
      end += text.length
      const isExact = logprobs.length > 1 && lengths.reduce((sum, length) => sum + length, 0) === text.length
      if (!isExact || pending.length > 0) {
        push(end, [...pending, ...logprobs.slice(0, 4096)])
        pending = []
        return
      }
      let at = start
      for (const [index, logprob] of logprobs.entries()) {
        at += lengths[index] ?? 0
        push(at, [logprob])
      }
    },
    read: () => (isKnown && pieces.length <= MAX_PIECES ? pieces : null),
  }
}

const rounded = (logprob: number): number => Math.round(logprob * 10_000) / 10_000
