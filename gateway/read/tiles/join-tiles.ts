import type { Seam } from '../../page/page.ts'
import { joinAtGap } from './join-at-gap.ts'
import { joinLines } from './join-lines.ts'
import { joinOverlap } from './join-overlap.ts'

/** What was read of a tile, and how its image follows on its neighbours'. */
export interface TileText {
  readonly text: string
  readonly above: Seam | null
  readonly left: Seam | null
}

/**
 * Joins the texts of a page's tiles, rows from the top and each from the left, into the page's text. Text that two
 * neighbours have both read, in their overlap, is kept once; no other words are dropped.
 */
export function joinTiles(rows: readonly (readonly TileText[])[]): string {
  let [page, above] = ['', '']
  for (const row of rows) {
    const text = joinRow(row)
    if (page === '') page = text
    // A row without text stands between two that have nothing in common.
    else if (text.trim() !== '') page = joinBelow({ page, above }, text, above.trim() === '' ? null : seamOf(row))
    above = text
  }
  return page
}

function joinRow(row: readonly TileText[]): string {
  return row.reduce((left, { text, left: seam }) => joinBeside(left, text, seam), '')
}

function joinBeside(left: string, right: string, seam: Seam | null): string {
  if (left.trim() === '') return right
  if (right.trim() === '') return left
  if (seam?.kind !== 'gap') return joinLines(left, right)
  // Columns follow one another. One line was cut between two of its words.
  const isLine = !left.trim().includes('\n') && !right.trim().includes('\n')
  return `${left.trimEnd()}${isLine ? ' ' : '\n\n'}${right.trimStart()}`
}

/** Returns how a row of tiles follows on the row above: by a gap only if no tile overlaps. */
function seamOf(row: readonly TileText[]): Seam | null {
  return row.find(({ above }) => above?.kind === 'overlap')?.above ?? row[0]?.above ?? null
}

/** The page so far, and the text of its last row of tiles alone. */
interface PageSoFar {
  readonly page: string
  readonly above: string
}

function joinBelow({ page, above }: PageSoFar, below: string, seam: Seam | null): string {
  if (seam === null) return `${page.trimEnd()}\n\n${below.trimStart()}`
  return seam.kind === 'gap' ? joinAtGap(page, below, seam, above) : joinOverlap(page, below, seam.share, above)
}
