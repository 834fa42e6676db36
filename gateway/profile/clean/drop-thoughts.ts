const OPENING = '<think>'
const CLOSING = '</think>'

/**
 * Removes the thoughts that stand before an answer: `<think>…</think>`, or what ends with `</think>` where the chat template
 * has opened it. Thoughts that never end are kept: they are all the text there is.
 */
export function dropThoughts(text: string): string {
  const end = text.indexOf(CLOSING)
  if (end < 0) return text
  const opening = text.indexOf(OPENING)
  // In the middle of a page it is something that the page shows.
  if (opening >= 0 && text.slice(0, opening).trim() !== '') return text
  return dropThoughts(text.slice(end + CLOSING.length).trimStart())
}
