import { scanBlocks } from './blocks.ts'
import { findMath, looksLikeTex, looksLikeVariables, type MathSpan } from './math-spans.ts'

/** Most pages have nothing of this, and need not be searched. */
const MAY_CHANGE = /\\[([]|\\begin\{|^ {0,3}(?:`{3,}|~{3,})[ \t]*(?:math|latex|tex|katex)[ \t]*$/im

/**
 * Writes formulas between `$` and `$$`, whichever marks the model used: `\(…\)`, `\[…\]`, an environment such as `align` that
 * stands alone, a code block of mathematics that is one formula. What does not look like TeX stays: `\[1\]` is a citation.
 */
export function normalizeMath(markdown: string): string {
  if (!/\\|`{3}|~{3}/.test(markdown) || !MAY_CHANGE.test(markdown)) return markdown
  const text = unfenced(markdown)
  let result = ''
  let end = 0
  for (const span of findMath(text)) {
    const written = inDollars(span, text[span.start - 1] ?? '', text[span.end] ?? '')
    if (written === null) continue
    result += text.slice(end, span.start) + written
    end = span.end
  }
  return result + text.slice(end)
}

/** Writes a formula between dollars; null where it stays as it is. */
function inDollars({ kind, tex, name }: MathSpan, before: string, after: string): string | null {
  if (kind === 'dollar' || kind === 'dollars' || /(?<!\\)\$/.test(tex)) return null
  if (kind === 'environment') return `$$\n${isWrapper(name) ? withoutEnvironment(tex) : tex}\n$$`
  if (!looksLikeTex(tex) && !(kind === 'paren' && looksLikeVariables(tex))) return null
  if (kind === 'bracket') return tex.trim() === '' ? null : `$$${tex}$$`
  // A dollar beside a digit or another dollar is a price.
  const isFree = !/[\d$\\]/.test(before) && !/[\d$]/.test(after)
  const inline = tex.trim().replaceAll(/\s*\n\s*/g, ' ')
  return isFree && inline !== '' && !/\n[ \t]*>/.test(tex) && !inline.endsWith('\\') ? `$${inline}$` : null
}

const isWrapper = (name = ''): boolean => /^(?:equation|displaymath)\*?$/.test(name)

function withoutEnvironment(tex: string): string {
  return tex.slice(tex.indexOf('}') + 1, tex.lastIndexOf('\\end{')).trim()
}

const MATH_FENCE = /^ {0,3}(?:`{3,}|~{3,})[ \t]*(?:math|latex|tex|katex)[ \t]*$/i
/** What is a document or a text rather than a formula. */
const NO_FORMULA =
  /\\(?:documentclass|usepackage|section|subsection|item|title|chapter|newcommand|def|input|includegraphics)\b|\\begin\{(?:document|tabular|table|figure|itemize|enumerate|verbatim|tikzpicture|proof|theorem)|(?<!\\)%/
const MARKS = /^(?:\$\$([^]*)\$\$|\\\[([^]*)\\\]|\\\(([^]*)\\\)|\$([^]*)\$)$/

/** Writes code blocks of mathematics that are one formula as formulas. */
function unfenced(markdown: string): string {
  const lines = markdown.split('\n')
  if (!lines.some((line) => MATH_FENCE.test(line))) return markdown
  const { lines: blocks } = scanBlocks(markdown)
  const written: string[] = []
  for (let index = 0; index < lines.length; index++) {
    const isOpening = blocks[index]?.role === 'fence' && MATH_FENCE.test(lines[index] ?? '')
    const end = isOpening ? closingFence(blocks, index) : null
    const formula = end === null ? null : formulaOf(lines.slice(index + 1, end))
    if (end !== null && formula !== null) written.push('$$', formula, '$$')
    // The lines of a code block that stays are no opening fences.
    else written.push(...lines.slice(index, (end ?? index) + 1))
    index = end ?? index
  }
  return written.join('\n')
}

function closingFence(blocks: ReturnType<typeof scanBlocks>['lines'], opening: number): number | null {
  let line = opening + 1
  while (blocks[line]?.role === 'code') line += 1
  return blocks[line]?.role === 'fence' ? line : null
}

function formulaOf(lines: readonly string[]): string | null {
  const text = lines.join('\n').trim()
  const [, ...inside] = MARKS.exec(text) ?? []
  const tex = (inside.find((it) => it !== undefined) ?? text).trim()
  if (tex === '' || NO_FORMULA.test(tex) || /(?<!\\)\$|\\[[\]()]|\n[ \t]*\n/.test(tex)) return null
  return looksLikeTex(tex) ? tex : null
}
