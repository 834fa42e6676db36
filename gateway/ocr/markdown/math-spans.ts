import { proseOf } from './prose.ts'

/** A stretch of mathematics in a text: from its opening mark to its closing one. */
export interface MathSpan {
  readonly start: number
  readonly end: number
  /** `environment`: `\begin{align}` to `\end{align}`, which begins a line and ends one. */
  readonly kind: 'dollar' | 'dollars' | 'paren' | 'bracket' | 'environment'
  /** What stands between the marks; of an environment all of it. */
  readonly tex: string
  /** The name of an environment. */
  readonly name?: string
}

/** Environments of LaTeX that are formulas by themselves. */
const ENVIRONMENT = 'equation|align|alignat|flalign|gather|multline|eqnarray|displaymath'

/**
 * Code, and mathematics in each of its marks, whichever comes first. A blank line ends all of them. Every alternative gives up
 * at the next sign of its kind: an answer may open thousands and close none.
 */
const SPAN = new RegExp(
  [
    /(?<![`\\])(?<ticks>`+)(?!`)[^\n]{0,500}?(?<!`)\k<ticks>(?!`)/,
    /(?<![\\$])\$\$(?!\$)(?<dollars>(?:\\[^]|(?!\n[ \t]*\n)[^$\\])+)\$\$(?!\$)/,
    /(?<![\\$\d])\$(?![\s$])(?<dollar>(?:\\[^\n]|[^$\\\n])*)(?<!\s)\$(?![$\d])/,
    /(?<!\\)\\\((?<paren>(?:(?!\\[()]|\n[ \t]*\n)[^])*)\\\)/,
    /(?<!\\)\\\[(?<bracket>(?:(?!(?<!\\)\\[[\]]|\n[ \t]*\n)[^])*)(?<!\\)\\\](?![([:])/,
    new RegExp(
      String.raw`(?<=^[ \t]{0,3})(?<environment>\\begin\{(?<name>(?:${ENVIRONMENT})\*?)\}(?:(?!\\begin\{\k<name>\}|\n[ \t]*\n)[^])*?\\end\{\k<name>\})(?=[ \t]*$)`,
    ),
  ]
    .map(({ source }) => source)
    .join('|'),
  'gm',
)

const KINDS = ['dollar', 'dollars', 'paren', 'bracket', 'environment'] as const

/** Most pages have no mathematics, and need not be searched. */
const MAY_HAVE_MATH = /[$\\]/

/** Finds the mathematics of a text, in its order; what stands in code is none. It may be words between dollars still. */
export function findMath(markdown: string): MathSpan[] {
  if (!MAY_HAVE_MATH.test(markdown)) return []
  const spans: MathSpan[] = []
  for (const { 0: match, index, groups = {} } of proseOf(markdown).matchAll(SPAN)) {
    const kind = KINDS.find((it) => groups[it] !== undefined)
    if (kind === undefined) continue
    const { name } = groups
    spans.push({
      start: index,
      end: index + match.length,
      kind,
      tex: groups[kind] ?? '',
      ...(name === undefined ? {} : { name }),
    })
  }
  return spans
}

/** What stands in braces is words where they are the argument of a command. */
const ARGUMENT = /\{[^{}]{0,500}\}/g
const COMMAND = /\\[a-zA-Z]+/g

/**
 * Tells TeX from an escaped bracket of Markdown, a citation or a price: it has a command, a raised or lowered sign or an
 * equal sign, and reads like no sentence.
 */
export function looksLikeTex(tex: string): boolean {
  const isLong = tex.length > 2000
  if (/\\[a-zA-Z]{2,}|\\[,;!{}|\\]/.test(tex)) return true
  if (!/[\^_=]/.test(tex) || isLong) return isLong && /[\^_]/.test(tex)
  const words =
    tex
      .replaceAll(ARGUMENT, ' ')
      .replaceAll(COMMAND, ' ')
      .match(/\p{L}{4,}/gu) ?? []
  return words.length < 2
}

/** Tells whether a text is a short formula without any mark of TeX: "x", "n-1", "(a, b)". Numbers and words are none. */
export function looksLikeVariables(tex: string): boolean {
  const text = tex.trim()
  if (text.length > 40 || !/\p{L}/u.test(text)) return false
  if (/^\p{L}'*$/u.test(text)) return true
  return /^[\p{L}\p{N}\s.,'()[\]|+\-*/<>!±×·≤≥≠∈−]+$/u.test(text) && !/\p{L}{2}/u.test(text) && /[^\p{L}\s]/u.test(text)
}
