import { scanBlocks } from './blocks.ts'
import { inlineText } from './inline-text.ts'
import { htmlText } from './html-text.ts'
import { cellsOf, tableHeight } from './pipe-table.ts'
import { tableText } from './table-text.ts'

/**
 * Turns a page's Markdown, HTML included, into the text that a reader would see. Models write signs as they stand on
 * the page and do not escape them, so only what is surely markup is removed, and everything else stays as written:
 * list marks, numbers, quote marks, mathematics. See docs/api.md, "Plain text".
 */
export function plainText(markdown: string): string {
  const parts: string[] = []
  for (const { role, text } of runs(markdown)) {
    if (role !== 'fence') parts.push(role === 'code' ? text : textOf(text))
    else if (text.trim() !== '') parts.push(text)
  }
  return parts.join('\n').replace(/^(?:[ \t]*\n)+|\s+$/g, '')
}

/** What an escaped sign is written as meanwhile: code points that no text may have (Unicode 17, section 23.7). */
const FIRST_NONCHARACTER = 0xfdd0
const SIGNS = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

/** Does the same for Markdown in which a sign that is none of Markdown's has a backslash before it. */
export function escapedPlainText(markdown: string): string {
  const hidden = markdown.replaceAll(/\\([!-/:-@[-`{-~])/g, (_, sign: string) =>
    String.fromCharCode(FIRST_NONCHARACTER + SIGNS.indexOf(sign)),
  )
  return plainText(hidden).replaceAll(
    /[\uFDD0-\uFDEF]/g,
    (sign) => SIGNS[sign.charCodeAt(0) - FIRST_NONCHARACTER] ?? sign,
  )
}

/** Joins neighbouring lines that are alike. */
function runs(markdown: string): { role: 'text' | 'code' | 'fence'; text: string }[] {
  const found: { role: 'text' | 'code' | 'fence'; lines: string[] }[] = []
  for (const { role, text } of scanBlocks(markdown).lines) {
    const last = found.at(-1)
    if (last?.role === role && role !== 'fence') last.lines.push(text)
    else found.push({ role, lines: [text] })
  }
  return found.map(({ role, lines }) => ({ role, text: lines.join('\n') }))
}

function textOf(markdown: string): string {
  return htmlText(markdown)
    .map(({ text, isFinal }) => (isFinal ? text : blocksText(text)))
    .join('')
    .replaceAll(/\n{3,}/g, '\n\n')
}

const HEADING = /^ {0,3}#{1,6}[ \t]+(?=\S)/
const RULE = /^ {0,3}(?:---|\*\*\*|___)[ \t]*$/

/** Removes the marks of headings, rules and tables, and those inside lines. */
function blocksText(markdown: string): string {
  const lines = markdown.split('\n')
  const parts: string[] = []
  let open: string[] = []
  const endRun = () => {
    if (open.length > 0) parts.push(inlineText(open.join('\n')))
    open = []
  }
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const height = tableHeight(lines, index)
    if (height > 0) {
      endRun()
      const rows = lines.slice(index, index + height).filter((_, row) => row !== 1)
      parts.push(tableText(rows.map((row) => cellsOf(row).map(inlineText))))
      index += height - 1
    } else open.push(RULE.test(line) ? '' : line.replace(HEADING, ''))
  }
  endRun()
  return parts.join('\n')
}
