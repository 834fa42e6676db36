import type { Box, Line } from './recognition.ts'

/** Lines that belong together: a paragraph, a heading, a table. */
export interface Region {
  readonly kind: 'text' | 'table'
  readonly box: Box
  readonly lines: readonly Line[]
}

/** A region with its column. */
export interface PlacedRegion extends Region {
  /** Where the lines of the region's column begin and end, in pixels. */
  readonly left: number
  readonly right: number
}

/** In line heights. A narrower gap between two regions is no gutter between columns. */
const GUTTER = 0.8
/** In line heights. A single region further above or below the columns is not part of them. */
const NEAR_COLUMNS = 2
/** In line heights. Columns of prose are wider, in newspapers too; of a table's columns at most one is. */
const TABLE_COLUMN = 8

/**
 * Puts a page's regions into reading order by cutting it along its white space, as recursive XY-cut does (Nagy and
 * Seth, "Hierarchical representation of optically scanned documents", 1984): strips from top to bottom, columns from
 * left to right. Columns of short lines side by side are a table without rules, and become one region of rows. Regions
 * that no cut separates keep their order.
 */
export function inReadingOrder(regions: readonly Region[], lineHeight: number): PlacedRegion[] {
  const { x0: left, x1: right } = bounds(regions)
  const place = (region: Region): PlacedRegion => ({ ...region, left, right })
  if (regions.length <= 1) return regions.map(place)

  const strips = joinColumnStrips(partsAlong('y', regions, 1), lineHeight)
  if (strips.length > 1) {
    // A single region between strips has the width of their column, not its own.
    return strips.flatMap((strip) => (strip.length === 1 ? strip.map(place) : inReadingOrder(strip, lineHeight)))
  }
  const columns = partsAlong('x', regions, GUTTER * lineHeight)
  if (columns.length === 1) return regions.map(place)
  if (areTabular(columns, lineHeight)) return [place(joinRows(columns.flat()))]
  return columns.flatMap((column) => inReadingOrder(column, lineHeight))
}

/** Splits regions at every gap of at least `gap` pixels along the axis that runs through all of them. */
function partsAlong(axis: 'x' | 'y', regions: readonly Region[], gap: number): Region[][] {
  const [start, end] = axis === 'x' ? (['x0', 'x1'] as const) : (['y0', 'y1'] as const)
  const parts: Region[][] = []
  let reach = -Infinity
  for (const region of regions.toSorted((a, b) => a.box[start] - b.box[start])) {
    if (region.box[start] - reach >= gap || parts.length === 0) parts.push([])
    parts.at(-1)?.push(region)
    reach = Math.max(reach, region.box[end])
  }
  return parts
}

/**
 * Rejoins strips, from top to bottom, that continue the same columns. Paragraphs of two columns often end at the same
 * height, and the columns must still be read one after the other.
 */
function joinColumnStrips(strips: readonly Region[][], lineHeight: number): Region[][] {
  const columnCount = (regions: readonly Region[]) => partsAlong('x', regions, GUTTER * lineHeight).length
  const groups: { regions: Region[]; columns: number }[] = []
  for (const strip of strips) {
    const columns = columnCount(strip)
    const above = groups.at(-1)
    const joined = above === undefined ? [] : [...above.regions, ...strip]
    const expected = Math.max(columns, above?.columns ?? 1)
    const near = above !== undefined && bounds(strip).y0 - bounds(above.regions).y1 < NEAR_COLUMNS * lineHeight
    if (near && expected > 1 && columnCount(joined) === expected) {
      groups[groups.length - 1] = { regions: joined, columns: expected }
    } else {
      groups.push({ regions: strip, columns })
    }
  }
  return groups.map((group) => group.regions)
}

/**
 * Whether columns are those of a table: all but one are narrow, and most lines of the shortest one form rows with
 * others.
 */
function areTabular(columns: readonly Region[][], lineHeight: number): boolean {
  const lines = columns.map((column) => column.flatMap((region) => region.lines))
  const wide = lines.filter(
    (column) => median(column.map((line) => line.box.x1 - line.box.x0)) > TABLE_COLUMN * lineHeight,
  )
  if (wide.length > 1) return false
  const shortest = lines.reduce((a, b) => (b.length < a.length ? b : a))
  const others = lines.filter((column) => column !== shortest).flat()
  const inRows = shortest.filter((line) => others.some((other) => areInOneRow(line, other)))
  return inRows.length >= 0.6 * shortest.length
}

function joinRows(regions: readonly Region[]): Region {
  const rows: Line[][] = []
  for (const line of regions.flatMap((region) => region.lines).toSorted((a, b) => middle(a) - middle(b))) {
    const row = rows.at(-1)
    if (row?.[0] !== undefined && areInOneRow(row[0], line)) row.push(line)
    else rows.push([line])
  }
  return { kind: 'table', box: bounds(regions), lines: rows.map(joinRow) }
}

function joinRow(parts: readonly Line[]): Line {
  const words = parts.toSorted((a, b) => a.box.x0 - b.box.x0).flatMap((part) => part.words)
  const confidence = parts.reduce((sum, part) => sum + part.confidence, 0) / parts.length
  const size = Math.max(...parts.map((part) => part.size))
  return { box: bounds(parts), confidence, size, height: Math.max(...parts.map((part) => part.height)), words }
}

function areInOneRow(a: Line, b: Line): boolean {
  return Math.abs(middle(a) - middle(b)) < 0.5 * Math.max(a.height, b.height)
}

function middle({ box }: Line): number {
  return (box.y0 + box.y1) / 2
}

function bounds(items: readonly { readonly box: Box }[]): Box {
  return {
    x0: Math.min(...items.map(({ box }) => box.x0)),
    y0: Math.min(...items.map(({ box }) => box.y0)),
    x1: Math.max(...items.map(({ box }) => box.x1)),
    y1: Math.max(...items.map(({ box }) => box.y1)),
  }
}

/** Returns the middle value, or 0 of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
