import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bitmap } from './bitmap.ts'

/** What `pixels.as` exports; every address is a number of bytes. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; readonly grow: (pages: number) => void }
  readonly shrink: (
    from: number,
    channels: number,
    width: number,
    cellWidth: number,
    cellHeight: number,
    across: number,
    down: number,
    sums: number,
    to: number,
  ) => void
  readonly countDifferences: (from: number, width: number, height: number, counts: number) => number
  readonly countLevels: (from: number, width: number, height: number, counts: number) => void
  readonly sumNear: (from: number, width: number, across: number, down: number, least: number, most: number) => number
  readonly countNear: () => number
  readonly markRow: (from: number, to: number, width: number, paper: number, count: number, threshold: number) => void
  readonly takePiece: (
    ink: number,
    width: number,
    height: number,
    from: number,
    most: number,
    waiting: number,
    piece: number,
  ) => number
  readonly findEdges: (from: number, width: number, height: number, step: number, to: number) => number
  readonly sortPoints: (
    points: number,
    count: number,
    stride: number,
    byY: boolean,
    length: number,
    starts: number,
    to: number,
  ) => void
  readonly sharpness: (
    starts: number,
    length: number,
    across: number,
    slope: number,
    offset: number,
    rows: number,
    count: number,
  ) => number
}

const PAGE = 65_536
/** Left free between pieces: rows are read and written up to 32 pixels at a time. */
const GAP = 64
/** Memory is kept for the next page up to so much, in bytes: enough for what is usual. */
const MAX_KEPT = 32 * 2 ** 20
/** A page is copied in parts that stay in the processor's cache until they are read. */
const PART = 2 ** 18

let module: WebAssembly.Module | null = null
let exports: Exports | null = null

/** Returns the functions with so much memory. What they have worked at before is lost. */
function withMemory(bytes: number): Exports {
  if (exports === null || exports.memory.buffer.byteLength > Math.max(MAX_KEPT, bytes)) {
    module ??= new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'pixels.wasm')))
    exports = new WebAssembly.Instance(module).exports as unknown as Exports
  }
  const missing = bytes - exports.memory.buffer.byteLength
  if (missing > 0) exports.memory.grow(Math.ceil(missing / PAGE))
  return exports
}

/** Gives out addresses, one piece behind the other. */
function layOut(...sizes: readonly number[]): { readonly addresses: readonly number[]; readonly bytes: number } {
  let bytes = 0
  const addresses = sizes.map((size) => {
    const address = bytes
    bytes += Math.ceil((size + GAP) / 16) * 16
    return address
  })
  return { addresses, bytes }
}

/** A page's brightness in the memory of the module. It is there until another page is put there. */
export interface HeldImage {
  readonly width: number
  readonly height: number
  /** Returns a copy of its pixels. */
  readonly pixels: () => Uint8Array
  /** Counts, by their size, the differences between pixels two apart: of every third one in every third row. */
  readonly countDifferences: () => { readonly counts: Uint32Array; readonly total: number }
  /** Counts the gray levels of every second pixel in every second row. */
  readonly countLevels: () => Uint32Array
  /** Adds up those of every second pixel in every second row of a box that have any of the levels from least to most. */
  readonly sumNear: (box: Box, least: number, most: number) => { readonly sum: number; readonly near: number }
  /**
   * Marks with 1 each pixel that differs from its paper by more than the threshold. `paperOf` writes the paper's
   * brightness along a row: in the middle of each square of 32 pixels, and the last one twice.
   */
  readonly mark: (paperOf: (y: number, row: Float32Array) => void, threshold: number) => Uint8Array
}

interface Box {
  readonly left: number
  readonly top: number
  /** Not in it, as the bottom. */
  readonly right: number
  readonly bottom: number
}

const LEVELS = 256
/** Side of the squares within which paper has one brightness, in pixels: as in pixels.as. */
export const SQUARE = 32

/**
 * Puts a page's brightness there, with every side divided by a whole `factor`; each pixel is the mean of those it stands
 * for. Rows and columns that do not fill a pixel are left out.
 */
export function holdImage(bitmap: Bitmap, factor = 1): HeldImage {
  const [width, height] = shrunk(bitmap, factor)
  const rowBytes = bitmap.width * bitmap.channels * Math.min(factor, bitmap.height)
  const squares = Math.ceil(width / SQUARE) + 1
  const { addresses, bytes } = layOut(
    2 * 4 * LEVELS,
    4 * squares,
    width * height,
    width * height,
    2 * bitmap.width,
    Math.max(PART, rowBytes),
  )
  const [counts, paper, image, mask, sums, part] = addresses as [number, number, number, number, number, number]
  const module = withMemory(bytes)
  const { buffer } = module.memory
  if (bitmap.channels === 1 && factor === 1) new Uint8Array(buffer, image, width * height).set(bitmap.pixels)
  else shrinkInto(module, bitmap, factor, { image, sums, part })
  return {
    width,
    height,
    pixels: () => new Uint8Array(buffer, image, width * height).slice(),
    countDifferences: () => {
      const total = module.countDifferences(image, width, height, counts)
      return { counts: new Uint32Array(buffer, counts, LEVELS), total }
    },
    countLevels: () => {
      module.countLevels(image, width, height, counts)
      return new Uint32Array(buffer, counts, LEVELS)
    },
    sumNear: ({ left, top, right, bottom }, least, most) => {
      const sum = module.sumNear(image + top * width + left, width, right - left, bottom - top, least, most)
      return { sum, near: module.countNear() }
    },
    mark: (paperOf, threshold) => {
      const row = new Float32Array(buffer, paper, squares)
      for (let y = 0; y < height; y++) {
        paperOf(y, row)
        module.markRow(image + y * width, mask + y * width, width, paper, squares, threshold)
      }
      return new Uint8Array(buffer, mask, width * height).slice()
    },
  }
}

/** Copies a page into the module part by part, and shrinks each. */
function shrinkInto(
  module: Exports,
  bitmap: Bitmap,
  factor: number,
  { image, sums, part }: { readonly image: number; readonly sums: number; readonly part: number },
): void {
  const { pixels, channels } = bitmap
  const [cellWidth, cellHeight] = [Math.min(factor, bitmap.width), Math.min(factor, bitmap.height)]
  const [width, height] = shrunk(bitmap, factor)
  const rowBytes = bitmap.width * channels * cellHeight
  const rows = Math.max(1, Math.floor(PART / rowBytes))
  const target = new Uint8Array(module.memory.buffer, part)
  for (let y = 0; y < height; y += rows) {
    const down = Math.min(rows, height - y)
    target.set(pixels.subarray(y * rowBytes, (y + down) * rowBytes))
    module.shrink(part, channels, bitmap.width, cellWidth, cellHeight, width, down, sums, image + y * width)
  }
}

function shrunk({ width, height }: Bitmap, factor: number): readonly [width: number, height: number] {
  return [Math.max(1, Math.floor(width / factor)), Math.max(1, Math.floor(height / factor))]
}

/** A mask whose pixels are 1 where there is ink, and 0 elsewhere. */
export interface Mask {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/** The edges of a page's ink in the memory of the module, until another page is put there. */
interface HeldEdges {
  readonly count: number
  /** Sorts every `stride`th of them; returns what tells how sharp their profile is along lines of a slope below 1. */
  readonly profile: (stride: number) => (slope: number) => number
}

const MAX_SIDE = 0xffff

/** Finds the lower edges of the ink of level lines, or the left ones of that of upright columns. */
export function holdEdges(mask: Mask, direction: 'lines' | 'columns'): HeldEdges {
  const { pixels, width, height } = mask
  const isLines = direction === 'lines'
  const [length, breadth] = isLines ? [width, height] : [height, width]
  const most = width > MAX_SIDE || height > MAX_SIDE ? 0 : length * Math.ceil((breadth + 1) / 2)
  const { addresses, bytes } = layOut(
    width * height,
    4 * most,
    2 * most,
    4 * (length + 2),
    4 * (breadth + 2 * length + 2),
  )
  const [ink, points, across, starts, rows] = addresses as [number, number, number, number, number]
  const module = withMemory(bytes)
  new Uint8Array(module.memory.buffer, ink).set(pixels)
  const count = most === 0 ? 0 : module.findEdges(ink, width, height, isLines ? width : -1, points)
  return {
    count,
    profile(stride) {
      module.sortPoints(points, count, stride, !isLines, length, starts, across)
      return (slope) => {
        const reach = Math.ceil(Math.abs(slope) * length)
        const offset = (slope > 0 ? reach : 0) + 0.5
        return module.sharpness(starts, length, across, slope, offset, rows, breadth + 2 * reach + 2)
      }
    },
  }
}

/**
 * Puts a mask into the memory of the module; returns what takes one connected piece of ink after the other, until another
 * page is put there. Each has its left, top, right and bottom, which are in it, and its pixels, of which it takes at most
 * so many at once; null comes after the last.
 */
export function holdPieces({ pixels, width, height }: Mask, most: number): () => Int32Array | null {
  const { addresses, bytes } = layOut(pixels.length, 4 * 5, 4 * pixels.length)
  const [ink, found, waiting] = addresses as [number, number, number]
  const module = withMemory(bytes)
  new Uint8Array(module.memory.buffer, ink).set(pixels)
  const piece = new Int32Array(module.memory.buffer, found, 5)
  let seed = 0
  return () => {
    seed = module.takePiece(ink, width, height, seed, most, waiting, found)
    return seed === -1 ? null : piece
  }
}
