import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { GAP, instances, layOut, withMemory } from '../../prepare/module-memory.ts'
import { codeTables } from './g4-codes.ts'
import { stateTable } from './jbig2-states.ts'

/** What `bilevel.as` exports; every address is a number of bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly begin: (
    columns: number,
    rows: number,
    across: number,
    down: number,
    isLightOnDark: boolean,
    sums: number,
    to: number,
  ) => void
  readonly takePixels: (from: number, stride: number, count: number, changes: number) => number
  readonly takeBits: (from: number, stride: number, count: number, changes: number) => void
  readonly beginDecoding: (from: number, length: number, alignsRows: boolean, tables: number, lines: number) => void
  readonly decodeRows: (count: number) => number
  readonly endsWithin: (bytes: number) => number
  readonly beginRegion: (from: number, hasTypicalRows: boolean, states: number, room: number) => void
  readonly decodeRegion: (count: number) => number
}

/** How a G4 image is stored. */
export interface G4Image extends TargetSize {
  /** Whether each row begins with a byte: /EncodedByteAlign. */
  readonly alignsRows: boolean
  /** Whether what the code calls black is light. */
  readonly isLightOnDark: boolean
}

/** A generic region of JBIG2 with template 0 and its usual adaptive pixels. */
export interface Region extends TargetSize {
  readonly data: Uint8Array
  /** Whether a flag before each row says that it is the same as the one above: TPGDON. */
  readonly hasTypicalRows: boolean
  /** Whether what the code calls black is light. */
  readonly isLightOnDark: boolean
}

/** PDFium decodes no larger ones either. */
const MAX_SIDE = 65_535
/** Some writers add a line feed at the end, or a few bytes more. */
const MAX_EXCESS_BYTES = 64
/** V8 compiles a function well only for its next call. */
const ROWS_AT_ONCE = 64

const fresh = instances(new URL('bilevel.wasm', import.meta.url)) as unknown as () => Exports
let instance: Exports | null = null
let tables: Uint8Array | null = null

/**
 * Decodes a CCITT group 4 image straight to a size that is no larger than its own: each pixel of it is the mean of those it
 * stands for. Null for what is damaged, or has fewer or more rows than the image.
 */
export function decodeG4(content: Uint8Array, image: G4Image, size: TargetSize): Bitmap | null {
  const { width, height } = image
  if (!isReduction(image, size)) return null
  tables ??= codeTables()
  const { addresses, module } = inMemory(sumsSize(size), area(size), tables.length, 8 * (width + 4), content.length)
  const [sums, out, codes, lines, from] = addresses as [number, number, number, number, number]
  const memory = new Uint8Array(module.memory.buffer)
  memory.set(tables, codes)
  memory.set(content, from)
  memory.fill(0, from + content.length, from + content.length + GAP)
  module.begin(width, height, size.width, size.height, image.isLightOnDark, sums, out)
  module.beginDecoding(from, content.length, image.alignsRows, codes, lines)
  for (let row = 0; row < height; row += ROWS_AT_ONCE)
    if (!module.decodeRows(Math.min(ROWS_AT_ONCE, height - row))) return null
  if (!module.endsWithin(MAX_EXCESS_BYTES)) return null
  return bitmapAt(module, out, size)
}

/** How many contexts there are. */
const CONTEXTS = 65_536

/** Decodes a generic region of JBIG2 straight to a size, as `decodeG4` does. Null when its data ends too early. */
export function decodeRegion({ data, ...region }: Region, size: TargetSize): Bitmap | null {
  const { width, height } = region
  if (!isReduction(region, size)) return null
  const states = stateTable()
  const room = 12 * (width + 4) + 3 * (width + 16) + CONTEXTS
  const { addresses, module } = inMemory(sumsSize(size), area(size), states.length, room, data.length)
  const [sums, out, table, work, from] = addresses as [number, number, number, number, number]
  const memory = new Uint8Array(module.memory.buffer)
  memory.set(states, table)
  memory.set(data, from)
  memory.fill(255, from + data.length, from + data.length + GAP)
  module.begin(width, height, size.width, size.height, region.isLightOnDark, sums, out)
  module.beginRegion(from, region.hasTypicalRows, table, work)
  for (let row = 0; row < height; row += ROWS_AT_ONCE)
    if (!module.decodeRegion(Math.min(ROWS_AT_ONCE, height - row))) return null
  return bitmapAt(module, out, size)
}

/** As much as stays in a core's cache. */
const PART = 2 ** 18

/**
 * Makes an image whose pixels are 0 and 255 smaller, as `decodeG4` does; `stride` is what its rows take in bytes. Null when
 * it has other pixels.
 */
export function shrinkBilevel(
  pixels: Uint8Array,
  { width, height, stride }: TargetSize & { readonly stride: number },
  size: TargetSize,
): Bitmap | null {
  if (!isReduction({ width, height }, size)) return null
  const rows = Math.max(1, Math.floor(PART / stride))
  const { addresses, module } = inMemory(sumsSize(size), area(size), 4 * width, rows * stride)
  const [sums, out, changes, part] = addresses as [number, number, number, number]
  const target = new Uint8Array(module.memory.buffer, part)
  module.begin(width, height, size.width, size.height, false, sums, out)
  for (let row = 0; row < height; row += rows) {
    const count = Math.min(rows, height - row)
    target.set(pixels.subarray(row * stride, (row + count) * stride))
    if (!module.takePixels(part, stride, count, changes)) return null
  }
  return bitmapAt(module, out, size)
}

/**
 * Makes an image of one bit a pixel smaller, as `decodeG4` does: set bits are white, and `stride` is what its rows take in
 * bytes.
 */
export function shrinkBits(
  bits: Uint8Array,
  { width, height, stride, isLightOnDark }: TargetSize & { readonly stride: number; readonly isLightOnDark: boolean },
  size: TargetSize,
): Bitmap | null {
  if (!isReduction({ width, height }, size)) return null
  const { addresses, module } = inMemory(sumsSize(size), area(size), 4 * width, stride * height)
  const [sums, out, changes, from] = addresses as [number, number, number, number]
  new Uint8Array(module.memory.buffer).set(bits.subarray(0, stride * height), from)
  module.begin(width, height, size.width, size.height, isLightOnDark, sums, out)
  for (let row = 0; row < height; row += ROWS_AT_ONCE)
    module.takeBits(from + row * stride, stride, Math.min(ROWS_AT_ONCE, height - row), changes)
  return bitmapAt(module, out, size)
}

function isReduction({ width, height }: TargetSize, size: TargetSize): boolean {
  return size.width <= width && size.height <= height && Math.max(width, height) <= MAX_SIDE
}

const area = ({ width, height }: TargetSize): number => width * height
const sumsSize = ({ width }: TargetSize): number => 4 * (width + 2)

function bitmapAt(module: Exports, address: number, size: TargetSize): Bitmap {
  return { ...size, channels: 1, pixels: new Uint8Array(module.memory.buffer, address, area(size)).slice() }
}

/** Gives out addresses in the module's memory. What was there before is lost. */
function inMemory(...sizes: readonly number[]): { readonly addresses: readonly number[]; readonly module: Exports } {
  const { addresses, bytes } = layOut(...sizes)
  instance = withMemory(instance, fresh, bytes)
  return { addresses, module: instance }
}
