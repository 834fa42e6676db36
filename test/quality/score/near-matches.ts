// What `find_near_matches(…, max_l_dist)` of fuzzysearch 0.8.1 (MIT, https://github.com/taleinat/fuzzysearch) finds.
import { pointsOf } from './indel.ts'

/** A stretch of a text that is nearly the text that was looked for. Places are in code points. */
export interface NearMatch {
  readonly start: number
  readonly end: number
  /** Insertions, deletions and substitutions. */
  readonly distance: number
}

/** Finds where a text stands in another one with at most so many edits; of those that overlap, the best. */
export function findNearMatches(wanted: string, text: string, maxDistance: number): readonly NearMatch[] {
  if (wanted === '') throw new RangeError('there is nothing to look for')
  return maxDistance === 0 ? findExactly(wanted, text) : bestOfGroups(findEnds(wanted, text, maxDistance))
}

/** All of them: the original joins no exact matches, not even those that overlap. */
function findExactly(wanted: string, text: string): readonly NearMatch[] {
  const { length } = pointsOf(wanted)
  const matches: NearMatch[] = []
  let counted = 0
  let start = 0
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    start += pointsOf(text.slice(counted, at)).length
    counted = at
    matches.push({ start, end: start + length, distance: 0 })
  }
  return matches
}

/**
 * Returns for each place in the text where a match can end the best one that ends there (P. Sellers, 1980): one column of
 * edit distances, each with the place where its alignment begins. Takes time for each pair of signs.
 */
function findEnds(wanted: string, text: string, maxDistance: number): NearMatch[] {
  const [needle, haystack] = [pointsOf(wanted), pointsOf(text)]
  const size = needle.length
  const distances = Uint32Array.from({ length: size + 1 }, (_, row) => row)
  const starts = new Uint32Array(size + 1)
  const matches: NearMatch[] = []
  for (let column = 1; column <= haystack.length; column++) {
    const point = haystack[column - 1]!
    let [diagonal, diagonalStart] = [distances[0]!, starts[0]!]
    starts[0] = column
    for (let row = 1; row <= size; row++) {
      const [above, aboveStart] = [distances[row]!, starts[row]!]
      let best = diagonal + (needle[row - 1] === point ? 0 : 1)
      let start = diagonalStart
      if (above + 1 < best) [best, start] = [above + 1, aboveStart]
      if (distances[row - 1]! + 1 < best) [best, start] = [distances[row - 1]! + 1, starts[row - 1]!]
      distances[row] = best
      starts[row] = start
      ;[diagonal, diagonalStart] = [above, aboveStart]
    }
    if (distances[size]! <= maxDistance) matches.push({ start: starts[size]!, end: column, distance: distances[size]! })
  }
  return matches
}

/** Of the matches that overlap, directly or through others, the one with the fewest edits, and then the longest. */
function bestOfGroups(matches: readonly NearMatch[]): readonly NearMatch[] {
  const best: NearMatch[] = []
  let groupEnd = 0
  for (const match of matches.toSorted((one, other) => one.start - other.start || one.end - other.end)) {
    const known = best.at(-1)
    if (known === undefined || match.start >= groupEnd) best.push(match)
    else if (isBetter(match, known)) best[best.length - 1] = match
    groupEnd = Math.max(groupEnd, match.end)
  }
  return best
}

function isBetter(one: NearMatch, other: NearMatch): boolean {
  if (one.distance !== other.distance) return one.distance < other.distance
  return one.end - one.start > other.end - other.start
}
