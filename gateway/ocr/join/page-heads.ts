import type { EdgeLine } from './edge-lines.ts'
import { isRunning, type NeighbourEdge } from './is-running.ts'
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
    (candidate, last) => !isFirst || isProven(candidate, text.slice(last.end, last.end + FOLLOWING)),
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
function isProven({ letters, isHeading, numbers }: Candidate, following: string): boolean {
  if (isHeading) return false
  if (letters === '') return numbers.length > 0
  return following
    .toLowerCase()
    .replaceAll(/[^\p{L}]/gu, '')
    .includes(letters)
}

/** Returns the lines of an edge that stand on the pages around as well, with the rules among them. */
function running(
  { lines, candidates }: PageEdge,
  neighbours: readonly NeighbourEdge[],
  isAllowed: (candidate: Candidate, last: EdgeLine) => boolean,
): readonly EdgeLine[] {
  const written = lines.filter(({ kind }) => kind !== 'rule')
  let depth = 0
  for (;;) {
    const at = depth
    const found = candidates[at]?.find((candidate) => {
      const last = written[at + candidate.height - 1]
      return last !== undefined && isRunning(candidate, at, neighbours) && isAllowed(candidate, last)
    })
    if (found === undefined) break
    depth += found.height
  }
  const last = written[depth - 1]
  if (last === undefined) return []
  const end = lines.indexOf(last) + 1
  return lines.slice(0, lines[end]?.kind === 'rule' ? end + 1 : end)
}
