import type { LineLooks, Seam } from '../../page/page.ts'
import { linesOf } from './text-lines.ts'
import type { TextLine } from './text-lines.ts'

/**
 * Joins the texts above and below a cut through paper: no line is in both images, and so both texts are kept. Lines
 * that end the one text and begin the other are kept once only where the page is seen to show no such lines twice: the
 * engine has then answered with more than its tile shows. `tileAbove` is what the tile itself adds to the text above.
 */
export function joinAtGap(above: string, below: string, { share, isWide, looks }: Seam, tileAbove = above): string {
  const [upper, lower] = [above.trimEnd().split('\n'), below.trimStart().split('\n')]
  const [first, second] = [linesOf(upper), linesOf(lower)]
  // Of all the text above, only the last tile's can be here once more.
  const bound = Math.ceil(share * Math.max(linesOf(tileAbove.split('\n')).length, second.length))
  const repeated = looks === null ? 0 : repeatedLines(first, second, { bound, looks })
  if (repeated > 0) return [...upper, ...lower.slice(second[repeated - 1]!.index + 1)].join('\n')
  return isWide ? `${above.trimEnd()}\n\n${below.trimStart()}` : continued(upper, lower)
}

/** Beyond what can be in both, lines must be like no other. */
const MAX_DISTINCT_SHARE = 0.5

interface Bounds {
  /** How many lines may be in both texts by what their tiles could share. */
  readonly bound: number
  readonly looks: LineLooks
}

/** Returns how many lines both texts have, though the page does not show them twice. */
function repeatedLines(upper: readonly TextLine[], lower: readonly TextLine[], { bound, looks }: Bounds): number {
  const fewer = Math.min(upper.length, lower.length)
  for (let count = Math.floor(Math.max(bound, MAX_DISTINCT_SHARE * fewer)); count > 0; count--) {
    if (count > fewer || !isRepeated(upper, lower, count)) continue
    if (count > bound && !areDistinct(upper, lower, count)) continue
    if (isRun(upper, lower, count)) continue
    return isShown(upper.slice(-count), looks) ? 0 : count
  }
  return 0
}

function isRepeated(upper: readonly TextLine[], lower: readonly TextLine[], count: number): boolean {
  return upper.slice(-count).every(({ key }, index) => key === lower[index]!.key)
}

function areDistinct(upper: readonly TextLine[], lower: readonly TextLine[], count: number): boolean {
  const all = [...upper, ...lower.slice(count)].map(({ key }) => key)
  const counts = new Map<string, number>()
  for (const key of all) counts.set(key, (counts.get(key) ?? 0) + 1)
  return upper.slice(-count).every(({ key }) => counts.get(key) === 1)
}

/** Tells whether these lines are of a run of equal ones: where it is cut, both texts show it. */
function isRun(upper: readonly TextLine[], lower: readonly TextLine[], count: number): boolean {
  const run = [...upper.slice(-count - 1), ...lower.slice(count, count + 1)].map(({ key }) => key)
  const { key } = lower[0]!
  return run.filter((other) => other === key).length > 1 && upper.slice(-count).every((line) => line.key === key)
}

/** Tells whether the page shows these lines above the gap and once more below it: equal ones alike, others not. */
function isShown(lines: readonly TextLine[], { above, below }: LineLooks): boolean {
  const count = lines.length
  if (above.length < count || below.length < count) return true
  const looks = [...above.slice(0, count).toReversed(), ...below.slice(0, count)]
  const keys = [...lines, ...lines].map(({ key }) => key)
  return looks.every((look, one) => looks.every((other, index) => (look === other) === (keys[one] === keys[index])))
}

/** Joins texts whose lines follow one another without a wider gap: a table that is cut goes on. */
function continued(upper: readonly string[], lower: readonly string[]): string {
  const [last = '', next = ''] = [upper.at(-1), lower[0]]
  if (cells(last) > 0 && cells(last) === cells(next)) {
    const rest = isTableRule(lower[1] ?? '') ? lower.slice(2) : lower.slice(1)
    return [...upper, next, ...rest].join('\n')
  }
  const merged = mergeTables(upper.join('\n'), lower.join('\n'))
  if (merged !== null) return merged
  const separator = isBlock(last) || isBlock(next) ? '\n\n' : '\n'
  return `${upper.join('\n')}${separator}${lower.join('\n')}`
}

/** Headings, tables and HTML need a blank line beside them. */
const isBlock = (line: string): boolean => /^\s*(?:#{1,6}\s|\||<|\$\$|```)|(?:>|\$\$|```)\s*$/.test(line)

/** Counts the cells of a Markdown table's row; 0 for other lines. */
function cells(line: string): number {
  return /^\s*\|.*\|\s*$/.test(line)
    ? line
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/).length
    : 0
}

const isTableRule = (line: string): boolean => /^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$/.test(line) && line.includes('|')

/** Makes one HTML table of two that follow one another; null where there are none, or their rows differ. */
function mergeTables(above: string, below: string): string | null {
  const start = above.lastIndexOf('<table')
  const end = below.indexOf('</table>')
  if (start === -1 || !/<\/table>\s*$/.test(above) || !/^<table\b/.test(below) || end === -1) return null
  if (columns(above.slice(start)) !== columns(below.slice(0, end))) return null
  const head = above.replace(/\s*(?:<\/tbody>\s*)?<\/table>\s*$/, '')
  const rows = below
    .slice(0, end)
    .replace(/^<table\b[^>]*>/, '')
    .replace(/<\/?(?:thead|tbody)\b[^>]*>/g, '')
  const close = above.slice(start).includes('<tbody') ? '</tbody>' : ''
  return `${head}${rows.trim()}${close}${below.slice(end)}`
}

/** Returns the number of cells in each row of a table; null where rows differ. */
function columns(table: string): number | null {
  const counts = table
    .split(/<tr\b/)
    .slice(1)
    .map((row) => [...row.matchAll(/<t[hd]\b([^>]*)>/g)].reduce((sum, [, attributes]) => sum + spanOf(attributes), 0))
  return new Set(counts).size === 1 ? counts[0]! : null
}

function spanOf(attributes = ''): number {
  return Number(/\bcolspan\s*=\s*["']?(\d{1,3})/.exec(attributes)?.[1] ?? 1)
}
