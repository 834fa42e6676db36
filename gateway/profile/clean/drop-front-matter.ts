/** More lines than any front matter has. */
const MAX_LINES = 12

/**
 * Removes the YAML head that a model writes above a page's Markdown. Only one that holds nothing but the given keys is removed:
 * pages have rules and lists of their own.
 */
export function dropFrontMatter(text: string, keys: readonly string[]): string {
  const trimmed = text.trimStart()
  const lines = trimmed.split('\n', MAX_LINES + 2)
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---')
  if (lines[0]?.trimEnd() !== '---' || end < 2) return text
  const head = lines.slice(1, end)
  if (!head.every((line) => keys.includes(line.slice(0, Math.max(0, line.indexOf(':')))))) return text
  return trimmed.slice(lines.slice(0, end + 1).join('\n').length).trim()
}
