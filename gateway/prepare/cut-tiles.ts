import type { Seam } from '../page/page.ts'
import type { Bitmap } from './bitmap.ts'
import { findGap } from './gap.ts'
import { readBrightness } from './gray.ts'
import { findGutter } from './gutter.ts'
import { findInk } from './ink-mask.ts'
import type { InkMask } from './ink-mask.ts'
import { lookAtLines } from './line-looks.ts'
import type { TilePlan, TileRect } from './tile.ts'
import { cutTile } from './tile.ts'

/** A piece of a page, and how it follows on its neighbours. */
export interface Tile {
  readonly bitmap: Bitmap
  /** To the tile above; null in the first row. */
  readonly above: Seam | null
  /** To the tile at the left; null in the first column. */
  readonly left: Seam | null
}

/** An edge that neighbours share, or that overlaps: where the one ends and where the other begins, at each place along. */
interface Border {
  readonly end: Int32Array
  readonly start: Int32Array
  readonly seam: Seam
}

/** A row of tiles: what lies between the borders above and below it. */
interface Row {
  readonly top: Int32Array
  readonly bottom: Int32Array
  readonly above: Seam | null
}

/**
 * Cuts a page into the tiles of a plan. Where the planned overlap of two tiles holds a gap between lines, or between
 * columns, the cut runs through it, and no line is in both; elsewhere the tiles overlap as planned. `isDrawn` says that
 * the page was drawn from letters, so that equal lines have equal pixels.
 */
export function cutTiles(bitmap: Bitmap, plan: TilePlan, isDrawn: boolean): Tile[][] {
  const rows = cutRows(bitmap, plan, isDrawn)
  return rows.map((row, index) => cutRow(bitmap, row, plan.rows[index]!))
}

function cutRows(bitmap: Bitmap, { rows }: TilePlan, isDrawn: boolean): Row[] {
  const tops = rows.map(([first]) => first!.top)
  const borders = rows.slice(1).map((_, index) => rowBorder(bitmap, rows, index, isDrawn))
  const fill = (value: number) => new Int32Array(bitmap.width).fill(value)
  return tops.map((_, index) => ({
    top: borders[index - 1]?.start ?? fill(0),
    bottom: borders[index]?.end ?? fill(bitmap.height),
    above: borders[index - 1]?.seam ?? null,
  }))
}

/** How much is looked at above and below an overlap, in overlaps: where columns are none, for lines that look the same. */
const SURROUNDINGS = 3
const NARROW_SURROUNDINGS = 0.5

/** Finds the border between a row of tiles and the one below. */
function rowBorder(bitmap: Bitmap, rows: TilePlan['rows'], index: number, isDrawn: boolean): Border {
  const { width } = bitmap
  const [upper, lower] = [rows[index]![0]!, rows[index + 1]![0]!]
  const [first, end] = [lower.top, upper.top + upper.height]
  const share = (end - first) / upper.height
  const hasColumns = rows[0]!.length > 1
  const around = Math.round((end - first) * (hasColumns ? NARROW_SURROUNDINGS : SURROUNDINGS))
  const top = Math.max(0, first - around)
  const { mask, image } = inkOf(bitmap, { left: 0, top, width, height: Math.min(bitmap.height, end + around) - top })
  const gap = findGap(mask, { first: first - top, end: end - top })
  if (gap === null) return overlapping(width, first, end, share)
  const cut = gap.rows.map((row) => row + top)
  const { isWide, looks } = lookAtLines(image, mask, gap, isDrawn)
  // Of tiles beside each other, the last line of one is not above the first line of the other.
  const seam: Seam = { kind: 'gap', share, isWide, looks: hasColumns ? null : looks }
  return { end: cut, start: cut, seam }
}

function overlapping(length: number, first: number, end: number, share: number): Border {
  return {
    end: new Int32Array(length).fill(end),
    start: new Int32Array(length).fill(first),
    seam: { kind: 'overlap', share, isWide: false, looks: null },
  }
}

function inkOf(bitmap: Bitmap, rect: TileRect) {
  const image = readBrightness(cutTile(bitmap, rect))
  return { image, mask: findInk(image) }
}

function cutRow(bitmap: Bitmap, row: Row, tiles: readonly TileRect[]): Tile[] {
  const { top, bottom, above } = row
  const [first, end] = [least(top), most(bottom)]
  const borders = tiles.slice(1).map((right, index) => columnBorder(bitmap, tiles[index]!, right, row))
  const fill = (value: number) => new Int32Array(end - first).fill(value)
  return tiles.map((_, index) => {
    const left = borders[index - 1]?.start ?? fill(0)
    const right = borders[index]?.end ?? fill(bitmap.width)
    return {
      bitmap: cutOut(bitmap, { top, bottom, left, right, first }),
      above,
      left: borders[index - 1]?.seam ?? null,
    }
  })
}

/** Finds the border between a tile and the one at its right, by turning the overlap on its side. */
function columnBorder(bitmap: Bitmap, left: TileRect, right: TileRect, { top, bottom }: Row): Border {
  const [first, end] = [right.left, left.left + left.width]
  const [from, to] = [least(top), most(bottom)]
  const share = (end - first) / left.width
  const { mask } = inkOf(bitmap, { left: first, top: from, width: end - first, height: to - from })
  const within = clear(mask, (x, y) => y + from < top[x + first]! || y + from >= bottom[x + first]!)
  const gap = findGutter(within)
  if (gap === null) return overlapping(to - from, first, end, share)
  const cut = gap.rows.map((column) => column + first)
  return { end: cut, start: cut, seam: { kind: 'gap', share, isWide: true, looks: null } }
}

function clear(mask: InkMask, isOutside: (x: number, y: number) => boolean): InkMask {
  const pixels = mask.pixels.slice()
  for (let at = 0; at < pixels.length; at++)
    if (pixels[at] === 1 && isOutside(at % mask.width, Math.floor(at / mask.width))) pixels[at] = 0
  return { ...mask, pixels }
}

/** The edges of a tile: above and below by column of the page, at its sides by row of the page from `first` on. */
interface Edges extends Pick<Row, 'top' | 'bottom'> {
  readonly left: Int32Array
  readonly right: Int32Array
  readonly first: number
}

/** Copies a tile, and continues the paper of its edges over what its neighbours show. */
function cutOut(bitmap: Bitmap, { top, bottom, left, right, first }: Edges): Bitmap {
  const [from, to] = [least(left), most(right)]
  const [ceiling, floor] = [top.subarray(from, to), bottom.subarray(from, to)]
  const start = least(ceiling)
  const tile = cutTile(bitmap, { left: from, top: start, width: to - from, height: most(floor) - start })
  const { width, height } = tile
  for (let x = 0; x < width; x++)
    keepOnly(tile, { at: x, step: width, length: height }, ceiling[x]! - start, floor[x]! - start)
  for (let y = 0; y < height; y++) {
    const row = y + start - first
    keepOnly(tile, { at: y * width, step: 1, length: width }, left[row]! - from, right[row]! - from)
  }
  return tile
}

/** A row or a column of pixels: its first, how far the next one is, and how many there are. */
interface Run {
  readonly at: number
  readonly step: number
  readonly length: number
}

/** Keeps the pixels of a run from `from` to before `to`, and copies the outermost of them over the others. */
function keepOnly({ pixels, channels }: Bitmap, { at, step, length }: Run, from: number, to: number): void {
  const copy = (target: number, source: number) => {
    const [there, here] = [(at + target * step) * channels, (at + source * step) * channels]
    for (let channel = 0; channel < channels; channel++) pixels[there + channel] = pixels[here + channel]!
  }
  for (let index = 0; index < from; index++) copy(index, Math.min(from, length - 1))
  for (let index = to; index < length; index++) copy(index, Math.max(0, to - 1))
}

const least = (values: Int32Array): number => values.reduce((one, other) => Math.min(one, other))
const most = (values: Int32Array): number => values.reduce((one, other) => Math.max(one, other))
