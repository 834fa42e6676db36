import { readFileSync } from 'node:fs'
import type { TargetSize } from '../../page/target-size.ts'
import type { Pdfium } from './module.ts'

/** What paint.as exports; every address is a number of bytes. */
interface Exports {
  readonly paint: (
    from: number,
    stride: number,
    channels: number,
    columns: number,
    rows: number,
    across: number,
    first: number,
    end: number,
    shares: number,
    work: number,
    rowBytes: number,
    to: number,
  ) => void
}

/** Paints rows of an image, as paint.as does. */
export type PaintRows = Exports['paint']

/** Loads what paints in one memory: that of an instance of PDFium. */
export function paintWork(memory: object): PaintRows {
  const module = new WebAssembly.Module(readFileSync(new URL('paint.wasm', import.meta.url)))
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  return (exports as unknown as Exports).paint
}

/** An image that PDFium has decoded, in its memory; with three channels or more blue comes first. */
export interface DecodedImage extends TargetSize {
  readonly address: number
  /** What a row takes, in bytes. */
  readonly stride: number
  readonly channels: 1 | 3 | 4
}

/** Paints an image over what is there, as large as the page. Dispose it after the last row. */
export interface Painter extends Disposable {
  /** Paints the rows from `first` to `end`, which lie at an address: blue, green, red and a byte more for each pixel. */
  paint(first: number, end: number, to: number): void
}

/** An image is read up to so many bytes behind its last pixel. */
export const READ_BEYOND = 8
/** Left free behind what is written 16 bytes at a time. */
const GAP = 64
const PLACE_BYTES = 8

/**
 * Prepares to paint an image of at least 2 × 2 pixels at a size that is nowhere smaller, as PDFium enlarges images: each pixel lies
 * between four of the image's. `shares` tells of each painted pixel how far it covers what is there, of 255; null: it does.
 */
export function createPainter(
  pdfium: Pick<Pdfium, 'paint' | 'allocate' | 'bytes' | 'integers'>,
  { address, width, height, stride, channels }: DecodedImage,
  shares: Uint8Array | null,
  size: TargetSize,
): Painter {
  using releasing = new DisposableStack()
  const room = (bytes: number) => releasing.use(pdfium.allocate(bytes + GAP)).address
  const rowBytes = Math.ceil((4 * size.width + GAP) / 16) * 16
  const columns = room(PLACE_BYTES * (size.width + 1))
  const rows = room(PLACE_BYTES * size.height)
  const work = room(3 * rowBytes)
  const covers = shares === null ? 0 : room(shares.length)
  // Two pixels are made at a time: the last one twice, where their number is odd.
  const across = places(width, size.width, channels)
  pdfium.integers(columns, 2 * (size.width + 1)).set([...across, ...across.slice(-2)])
  pdfium.integers(rows, 2 * size.height).set(places(height, size.height, stride))
  if (shares !== null) pdfium.bytes(covers, shares.length).set(shares)
  const held = releasing.move()
  return {
    paint(first, end, to) {
      const from = covers === 0 ? 0 : covers + first * size.width
      pdfium.paint(address, stride, channels, columns, rows, size.width, first, end, from, work, rowBytes, to)
    },
    [Symbol.dispose]: () => held.dispose(),
  }
}

/** Returns where each place of a longer side lies on a shorter one: behind which of its pixels, and how far, of 256. */
function places(from: number, to: number, bytes: number): number[] {
  const scale = from / to
  return Array.from({ length: to }, (_, index) => {
    const at = Math.min(from - 1, Math.max(0, (index + 0.5) * scale - 0.5))
    const first = Math.min(from - 2, Math.floor(at))
    return [first * bytes, Math.round((at - first) * 256)]
  }).flat()
}
