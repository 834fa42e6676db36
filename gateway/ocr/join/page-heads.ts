import type { EdgeLine } from './edge-lines.ts'
import { isPageNumber, runningOf, type NeighbourEdge, type Running } from './running-of.ts'
import type { Candidate, PageEdge } from './page-edge.ts'

/** A page's text, and what stands at its edges. */
export interface EdgedPage {
  readonly text: string
  readonly top: PageEdge
  readonly bottom: PageEdge
}

/** Another page nearby. */
export interface Neighbour extends Pick<EdgedPage, 'top' | 'bottom'> {
  readonly distance: number
  readonly pagesApart: number
}

/** Where the header of a text ends, and where its footer begins: 0, and its length, where there is none. */
export interface HeadsFound {
  readonly headerEnd: number
  readonly footerStart: number
  readonly header: string | null
  readonly footer: string | null
}

/** Nothing was found. */
export function noHeads(text: string): HeadsFound {
  return { headerEnd: 0, footerStart: text.length, header: null, footer: null }
}

/** Finds the header and the footer of a page by what stands on the pages around it. Never all of its text. */
export function findHeads(page: EdgedPage, neighbours: readonly Neighbour[], isFirst: boolean): HeadsFound {
  const { text } = page
  const above = running(
    page.top,
    sideOf(neighbours, 'top'),
    (candidate, found, last) => !isFirst || isProven(candidate, found, text.slice(last.end, last.end + FOLLOWING)),
  )
  const below = running(page.bottom, sideOf(neighbours, 'bottom'), ({ isHeading }) => !(isFirst && isHeading))
  const headerEnd = above.at(-1)?.end ?? 0
  const footerStart = below.at(-1)?.start ?? text.length
  if (headerEnd > footerStart || !/[\p{L}\p{N}]/u.test(text.slice(headerEnd, footerStart))) return noHeads(text)
  return { headerEnd, footerStart, header: textOf(above), footer: textOf(below.toReversed()) }
}

function textOf(lines: readonly EdgeLine[]): string | null {
  const texts = lines.filter(({ kind }) => kind !== 'rule').map(({ text }) => text)
  return texts.length === 0 ? null : texts.join('\n')
}

function sideOf(neighbours: readonly Neighbour[], side: 'top' | 'bottom'): NeighbourEdge[] {
  return neighbours.map((it) => ({ edge: it[side], distance: it.distance, pagesApart: it.pagesApart }))
}

/** Characters of the first page in which the title stands. */
const FOLLOWING = 500

/** The title of a document often is its header. On its first page, a header is one where the title follows, or where it has a page number. */
function isProven({ letters, isHeading }: Candidate, found: Running, following: string): boolean {
  if (isHeading) return false
  if (found === 'counted') return true
  return following
    .toLowerCase()
    .replaceAll(/[^\p{L}]/gu, '')
    .includes(letters)
}

/** Returns the lines of an edge that stand on the pages around as well, with the rules among them. */
function running(
  { lines, candidates }: PageEdge,
  neighbours: readonly NeighbourEdge[],
  isAllowed: (candidate: Candidate, found: Running, last: EdgeLine) => boolean,
): readonly EdgeLine[] {
  const written = lines.filter(({ kind }) => kind !== 'rule')
  let depth = 0
  for (;;) {
    const at = depth
    const found = candidates[at]?.find((candidate) => {
      const last = written[at + candidate.height - 1]
      const how = last === undefined ? null : runningOf(candidate, at, neighbours)
      return last !== undefined && how !== null && isAllowed(candidate, how, last)
    })
    if (found === undefined) break
    depth += found.height
  }
  // Pages that are alike beyond that repeat what they are about.
  if (depth > MAX_LINES) depth = numberedLines(candidates)
  const last = written[wholeBlocks(written, depth) - 1]
  if (last === undefined) return []
  const end = lines.indexOf(last) + 1
  return lines.slice(0, lines[end]?.kind === 'rule' ? end + 1 : end)
}

/** More lines than a header has. */
const MAX_LINES = 4

/** Counts the outermost lines that are page numbers alone. */
function numberedLines(candidates: PageEdge['candidates']): number {
  const found = candidates.findIndex(([line]) => line === undefined || !isPageNumber(line))
  return found === -1 ? candidates.length : found
}

/** Leaves out the lines that are the beginning, or the end, of a paragraph; a single line may stand close to one. */
function wholeBlocks(written: readonly EdgeLine[], depth: number): number {
  if (written[depth - 1]?.isApart !== false) return depth
  const blocks = written.slice(0, depth - 1).findLastIndex(({ isApart }) => isApart) + 1
  return depth - blocks > 1 ? blocks : depth
}
