const OPENING = /^(`{3,})[ \t]*([\w+-]*)[ \t]*$/
const FENCE_LINE = /^[ \t]*(`{3,})[ \t]*([^`\s]*)[ \t]*$/

/**
 * Removes a code fence around the whole answer, which models add although the page has none. Only fences without a
 * language or with one of `languages` are removed: a page that is one Python listing keeps its fence.
 */
export function stripFence(text: string, languages: readonly string[]): string {
  const stripped = stripOnce(text, languages)
  return stripped === text ? text : stripFence(stripped, languages)
}

function stripOnce(text: string, languages: readonly string[]): string {
  if (!text.trimStart().startsWith('```')) return text
  const lines = text.trim().split('\n')
  const [, ticks, language = ''] = OPENING.exec(lines[0]?.trimEnd() ?? '') ?? []
  if (ticks === undefined || lines.length < 2 || lines.at(-1)?.trimEnd() !== ticks) return text
  if (language !== '' && !languages.includes(language.toLowerCase())) return text
  const inner = lines.slice(1, -1)
  const isWhole = language === '' ? !inner.some((line) => FENCE_LINE.test(line)) : hasWholeFences(inner)
  return isWhole ? inner.join('\n') : text
}

/** Whether every fence that opens in these lines closes in them too. */
function hasWholeFences(lines: readonly string[]): boolean {
  let isOpen = false
  for (const line of lines) {
    const [, ticks, language] = FENCE_LINE.exec(line) ?? []
    if (ticks === undefined) continue
    // A line with a language can open a block but never close one (CommonMark 0.31, section 4.5).
    if (!isOpen) isOpen = true
    else if (language === '') isOpen = false
  }
  return !isOpen
}
