const OPENING = '<think>'
const CLOSING = '</think>'

/** Removes the thoughts that stand before an answer, `<think>…</think>`. Thoughts that never end are kept: there is nothing else. */
export function dropThoughts(text: string): string {
  let rest = text
  while (rest.trimStart().startsWith(OPENING)) {
    const end = rest.indexOf(CLOSING)
    if (end < 0) return rest
    rest = rest.slice(end + CLOSING.length).trimStart()
  }
  return rest
}
