/**
 * Text that is left as it is: code, comments, tags, link targets, and math with correct delimiters. Lengths are bounded
 * because an answer may open thousands of these and close none.
 */
const PROTECTED = new RegExp(
  [
    /^[ \t]*(?<fence>`{3,}|~{3,})[^\n]*\n[^]*?(?:^[ \t]*\k<fence>[ \t]*$|(?![^]))/,
    /(?<!`)(?<ticks>`+)(?!`)[^\n]{0,2000}?(?<!`)\k<ticks>(?!`)/,
    /<!--[^]*?(?:-->|(?![^]))/,
    /<\/?[a-z][^<>]{0,2000}>/,
    /\]\([^()\n]{0,2000}\)/,
    /(?<!\\)\$\$[^]{0,4000}?(?<!\\)\$\$/,
    /\\\[[^]{0,4000}?\\\]/,
    /\\\([^]{0,4000}?\\\)/,
    // A dollar inside well-formed inline math is a price in a formula: "$c = \$5$".
    /(?<![\\$])\$(?![\s$])(?:\\[^\n]|[^$\\\n]){0,2000}(?<![\s\\])\$(?![\d$])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gim',
)

/**
 * Turns escaped math delimiters into real ones, `\$x\$` into `$x$` and `\$\$…\$\$` into `$$…$$`, where what stands
 * between them is math. Prices and prose keep their escapes: when in doubt, nothing changes. The defect, and the idea
 * of a conservative repair, are from lightonocr/postprocess/ in https://github.com/lightonai/LightOnOCR (README,
 * "Python").
 */
export function unescapeMath(text: string): string {
  if (!text.includes('\\$')) return text
  let result = ''
  let end = 0
  for (const match of text.matchAll(PROTECTED)) {
    result += unescapeIn(text.slice(end, match.index)) + match[0]
    end = match.index + match[0].length
  }
  return result + unescapeIn(text.slice(end))
}

/** A backslash before the dollar that is not itself escaped. */
const DELIMITER = /(?<!\\)\\\$/g

function unescapeIn(text: string): string {
  const delimiters = escapedDelimiters(text)
  let result = ''
  let end = 0
  for (let index = 0; index + 1 < delimiters.length; index++) {
    const [opening, closing] = [delimiters[index], delimiters[index + 1]]
    if (opening === undefined || closing === undefined || opening.length !== closing.length) continue
    const body = text.slice(opening.index + opening.length, closing.index)
    const before = text.slice(Math.max(0, opening.index - 4), opening.index)
    const after = text.slice(closing.index + closing.length, closing.index + closing.length + 8)
    if (isPrice(before, body, after) || !isMath(body, opening.length > 2)) continue
    const dollars = opening.length > 2 ? '$$' : '$'
    result += text.slice(end, opening.index) + dollars + body + dollars
    end = closing.index + closing.length
    index++ // Skips the closing delimiter.
  }
  return result + text.slice(end)
}

/** Finds the positions of `\$` and `\$\$`, whose lengths are 2 and 4. */
function escapedDelimiters(text: string): { index: number; length: number }[] {
  const found: { index: number; length: number }[] = []
  for (const { index } of text.matchAll(DELIMITER)) {
    const last = found.at(-1)
    if (last !== undefined && last.length === 2 && last.index + 2 === index) last.length = 4
    else found.push({ index, length: 2 })
  }
  return found
}

/** Whether two delimiters are the dollars of two prices, or of one price and something else. */
function isPrice(before: string, body: string, after: string): boolean {
  if (/(?<![\w])[A-Z]{1,3}$/.test(before)) return true // US\$5, HK\$20
  return /^\s*[-+−]?[\d.,]*\d/.test(body) && /^\s*[-+−]?[.,]?\d/.test(after)
}

const SIGNS = /[\\_^=+*/<>|(){}[\]±×÷≤≥≈≠−-]/
const FUNCTIONS = /\b(?:sin|cos|tan|log|ln|exp|min|max|lim|det|mod|arg|gcd|dim|ker|var|cov|rank)\b/g

/** Whether a text is math. Conservative: text that reads like words, or has unbalanced brackets, is not. */
function isMath(body: string, isDisplay: boolean): boolean {
  const trimmed = body.trim()
  if (trimmed === '' || body.length > 2000 || /\n\s*\n/.test(body)) return false
  if (!isDisplay && (body.includes('\n') || /^\s/.test(body) !== /\s$/.test(body))) return false
  if (!isBalanced(trimmed) || /^[,;.:]|[,;:=<>/]$|(?<![\^_{])[+*−-]$/.test(trimmed)) return false
  const bare = withoutArguments(trimmed)
    .replace(/\\[a-z]+|\\./gi, ' ')
    .replace(FUNCTIONS, ' ')
  // Two letters may be a product; three are a word.
  if (/\p{L}{3}/u.test(bare)) return false
  return SIGNS.test(trimmed) || /^(?:\p{L}|[\d.,]+|\d+\p{L})$/u.test(trimmed)
}

/** Removes `{…}` and their content: the argument of `\text{…}` is words, but belongs to the math. */
function withoutArguments(text: string): string {
  const less = text.replace(/\{[^{}]*\}/g, ' ')
  return less === text ? text : withoutArguments(less)
}

/** Whether the braces are balanced. Other brackets need not match: intervals such as [0, 1) mix them. */
function isBalanced(text: string): boolean {
  let braces = 0
  let brackets = 0
  for (const [token] of text.matchAll(/\\.|[{}()[\]]/gs)) {
    if (token === '{') braces++
    else if (token === '}') braces--
    else if (token === '(' || token === '[') brackets++
    else if (token === ')' || token === ']') brackets--
    if (braces < 0 || brackets < 0) return false
  }
  return braces === 0 && brackets === 0
}
