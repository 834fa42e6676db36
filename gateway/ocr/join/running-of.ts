import type { Candidate, PageEdge } from './page-edge.ts'
import { matchLines, type Match } from './running-line.ts'

/** The same edge of another page nearby. */
export interface NeighbourEdge {
  readonly edge: PageEdge
  /** How many pages with text further on, or back, it stands; at most WINDOW. */
  readonly distance: number
  /** The same by the numbers that the pages have in their document. */
  readonly pagesApart: number
}

/** How many pages are looked at on either side. */
export const WINDOW = 4
/** Where a header stands on every page. */
const NEAR = 3
/** On how many other pages it must stand. */
const MIN_MATCHES = 2
/** A heading is one on nearly every page, or it is a heading. */
const MIN_HEADING_MATCHES = 4
const MIN_HEADING_SHARE = 0.75
/** Books have one header on their left pages, and another on their right ones. */
const MIN_SIDE_SHARE = 0.75

/** How a line stands on the pages around: `counted`: a number in it counts them; `repeated`: it is the same. */
export type Running = 'counted' | 'repeated'

/**
 * Tells how a line, with so many lines of text further out, stands on the pages around as well: it is on half of the next three
 * before and behind, or on three quarters of the left or right pages; a number that counts the pages, on any two. Null where it does not.
 */
export function runningOf(candidate: Candidate, depth: number, neighbours: readonly NeighbourEdge[]): Running | null {
  const found = neighbours.map((it) => ({ ...it, match: matchOn(candidate, depth, it) }))
  const matching = found.filter(({ match }) => match !== null)
  // What only looks alike on every page is no header that was misread.
  const most = Math.max(
    0,
    ...Map.groupBy(matching, ({ match }) => match?.letters)
      .values()
      .map(({ length }) => length),
  )
  if (most < MIN_MATCHES) return null
  if (candidate.isHeading) {
    const same = matching.filter(({ match }) => match?.counts === false).length
    return same >= MIN_HEADING_MATCHES && same >= MIN_HEADING_SHARE * found.length ? 'repeated' : null
  }
  const isNumbered = matching.some(({ match }) => match?.counts)
  if (isNumbered && countsSomethingElse(candidate)) return null
  if (isNumbered) return matching.filter(({ match }) => match?.counts).length >= MIN_MATCHES ? 'counted' : null
  const among = (isMeant: (distance: number) => boolean): readonly [matches: number, pages: number] => {
    const meant = found.filter(({ distance }) => isMeant(Math.abs(distance)))
    return [meant.filter(({ match }) => match !== null).length, meant.length]
  }
  const [near, nearPages] = among((distance) => distance <= NEAR)
  const [side, sidePages] = among((distance) => distance % 2 === 0)
  const isNear = near >= MIN_MATCHES && 2 * near >= nearPages
  return isNear || (side >= MIN_MATCHES && side >= MIN_SIDE_SHARE * sidePages) ? 'repeated' : null
}

function matchOn(candidate: Candidate, depth: number, { edge, pagesApart }: NeighbourEdge): Match | null {
  const alike = edge.candidates[depth] ?? []
  const near = [depth - 1, depth + 1].flatMap((at) => edge.candidates[at] ?? [])
  for (const other of [...alike, ...near.filter(({ key }) => key === candidate.key)]) {
    const match = matchLines(candidate, other, pagesApart)
    if (match !== null) return match
  }
  return null
}

/** What pages are called where they are counted. */
const PAGE_WORDS =
  /(?:^|[^\p{L}])(?:page|pages|pg|p|seite|seiten|s|página|pagina|pág|pag|sayfa|strona|sida|side|oldal|стр|страница|صفحة)(?:$|[^\p{L}])|[页頁]|ページ|페이지/u

/** Tells whether a line is a page number, and nothing else. */
export function isPageNumber({ key, letters, numbers }: Candidate): boolean {
  return numbers.length > 0 && (letters === '' || (letters.length <= MAX_PAGE_WORD && PAGE_WORDS.test(key)))
}

/** Letters of "pages of". */
const MAX_PAGE_WORD = 10

/** "Question 3" on page 3 and "Question 4" on page 4 are what the pages are about. */
function countsSomethingElse({ key, letters, isBold }: Candidate): boolean {
  if (letters === '' || PAGE_WORDS.test(key)) return false
  return isBold || key.split(' ').filter((word) => /\p{L}/u.test(word)).length < 2
}
