import type { PageAnswer } from '../../read/page-answer.ts'
import type { Span } from './read-object.ts'

type Pieces = NonNullable<PageAnswer['surePieces']>

/** Moves the pieces of a raw answer to where its text stands in the clean one; null where it does not stand there whole. */
export function movedPieces(pieces: Pieces | null | undefined, raw: string, clean: string): Pieces | null {
  if (pieces === null || pieces === undefined) return null
  const from = raw.indexOf(clean)
  if (from < 0) return null
  return from === 0 ? pieces : pieces.map(([end, logprob]) => [Math.max(0, end - from), logprob] as const)
}

/**
 * Returns how sure the model was of each value, 0 to 1: as sure as of the least sure piece of it, because one wrong digit makes
 * a wrong number. A value without a piece, or with one of which that is not known, is left out.
 */
export function confidencesOf(
  pieces: Pieces | null | undefined,
  spans: ReadonlyMap<string, Span>,
): Readonly<Record<string, number>> {
  if (pieces === null || pieces === undefined) return {}
  const inOrder = [...spans].toSorted(([, [a]], [, [b]]) => a - b)
  const found: [string, number][] = []
  let next = 0
  for (const [pointer, [start, end]] of inOrder) {
    while (next < pieces.length && (pieces[next]?.[0] ?? 0) <= start) next += 1
    let lowest = 0
    let isKnown = next < pieces.length
    for (let index = next; index < pieces.length; index += 1) {
      const begins = index === 0 ? 0 : (pieces[index - 1]?.[0] ?? 0)
      if (begins >= end) break
      const logprob = pieces[index]?.[1] ?? 1
      // A logarithm above 0 stands for: not known.
      if (logprob > 0) isKnown = false
      lowest = Math.min(lowest, logprob)
    }
    if (isKnown) found.push([pointer, Math.exp(lowest)])
  }
  return Object.fromEntries(found)
}
