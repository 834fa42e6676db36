import { estimateTokens } from '../../read/guard/estimate-tokens.ts'

/** Returns where the parts of a table end that have at most so many tokens, as they are estimated: behind rows. A longer row is a part. */
export function tableRows(table: string, most: number): number[] {
  const ends: number[] = []
  let [start, at, tokens] = [0, 0, 0]
  for (const end of rowEnds(table)) {
    const row = estimateTokens(table.slice(at, end))
    if (tokens + row > most && at > start) {
      ends.push(at)
      start = at
      tokens = 0
    }
    tokens += row
    at = end
  }
  return [...ends, table.length]
}

/** HTML's rows end with a tag, Markdown's with a line. */
function rowEnds(table: string): number[] {
  const pattern = table.startsWith('<') ? /<\/tr\s{0,100}>\s{0,100}/gi : /\n/g
  const ends = [...table.matchAll(pattern)].map(({ 0: end, index }) => index + end.length)
  const last = ends.at(-1) ?? 0
  // What follows the last row belongs to it.
  return table.slice(last).trim().length > 0
    ? [...(table.startsWith('<') ? ends.slice(0, -1) : ends), table.length]
    : ends
}
