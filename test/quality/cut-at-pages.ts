/** A document's text on one page, as its print has it. */
export interface PrintedPage {
  /** What the PDF holds for the page, running lines left out. */
  readonly layer: string
  /** What stands above and below on paper. */
  readonly header: string
  readonly footer: string
}

/** So many words tell one place of a document from all others. */
const TELLING_WORDS = 5

/**
 * Cuts the Markdown of a document where its pages end, in the middle of a paragraph, a word or a table where they do, and
 * puts the running lines back: what a model says that reads page by page. A table that goes on has its head again where
 * the page has it. Throws where a page is not found.
 */
export function cutAtPages(markdown: string, pages: readonly PrintedPage[]): readonly string[] {
  const starts = pages.map(({ layer }, index) => (index === 0 ? { at: 0, head: '' } : findStart(markdown, layer)))
  return pages.map(({ header, footer }, index) => {
    const { at, head } = starts[index]!
    const end = starts[index + 1]?.at ?? markdown.length
    const divided = isLetter(markdown[end - 1]) && isLetter(markdown[end]) ? '-' : ''
    const body = markdown.slice(at, end).trim() + divided
    return [header, head === '' ? body : `${head}\n${body}`, footer].filter((part) => part !== '').join('\n\n')
  })
}

function findStart(markdown: string, layer: string): { at: number; head: string } {
  const words = layer.trim().split(/\s+/)
  const head = repeatedHead(markdown, words)
  const wanted = words.slice(head.words, head.words + TELLING_WORDS)
  // In Markdown marks of tables may stand between words.
  const pattern = new RegExp(wanted.map((word) => RegExp.escape(word)).join(String.raw`[\s|]+`), 'u')
  const found = pattern.exec(markdown)
  if (found === null) throw new Error(`the text does not have the page that begins with "${wanted.join(' ')}"`)
  const line = markdown.lastIndexOf('\n', found.index) + 1
  const at = markdown[line] === '|' ? line : found.index
  return { at, head: head.lines }
}

/** The head of a table that a page begins with, if it was said before. */
function repeatedHead(markdown: string, words: readonly string[]): { words: number; lines: string } {
  const lines = markdown.split('\n')
  for (const [index, line] of lines.entries()) {
    const rule = lines[index + 1] ?? ''
    if (!line.startsWith('|') || !/^[|\s:-]+$/.test(rule)) continue
    const cells = line.split(/[\s|]+/).filter((word) => word !== '')
    if (cells.every((cell, at) => words[at] === cell)) return { words: cells.length, lines: `${line}\n${rule}` }
  }
  return { words: 0, lines: '' }
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /\p{L}/u.test(character)
}
