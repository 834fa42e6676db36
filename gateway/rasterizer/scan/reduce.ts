import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { instances, layOut, withMemory } from '../../prepare/module-memory.ts'

/** Makes an image smaller while its rows come, so that it is never in memory as a whole. Dispose it after the last. */
export interface Reducer extends Disposable {
  /** Takes the next pixels, row after row without gaps; pixels beyond the last row are ignored. */
  add(pixels: Uint8Array): void
  /** The small image, once all rows have come. */
  readonly bitmap: Bitmap
}

/** What `reduce.as` exports; every address is a number of bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly reduceRows: (
    bands: number,
    rows: number,
    rowBytes: number,
    channels: number,
    places: number,
    across: number,
    taps: number,
    sums: number,
    columns: number,
    bytes: number,
    to: number,
  ) => void
}

const fresh = instances(new URL('reduce.wasm', import.meta.url)) as unknown as () => Exports
/** Pages of several documents may be drawn side by side, each of which waits for its rows. */
const idle: Exports[] = []

/** As in reduce.as: so many rows are made at once. */
const LANES = 8
/** What the weights of a pixel are together, as in reduce.as: of rows one below the other, and of columns. */
const ROWS_TOGETHER = 256
const COLUMNS_TOGETHER = 32_767
/** Rows are taken up to so many bytes before any is moved. */
const ROOM = 2 ** 18

/**
 * Reduces an image to a size that is nowhere larger: each pixel is the mean of the area that it stands for, as PDFium's
 * own is (`CStretchEngine::CWeightTable::CalculateWeights`).
 */
export function createReducer(stored: Stored, size: TargetSize): Reducer {
  const work = prepareWork(stored, size)
  const { rows, rowBytes, memory, room, capacity } = work
  const resultBytes = size.width * stored.channels
  const bitmap = { pixels: new Uint8Array(resultBytes * size.height), ...size, channels: stored.channels }
  /** The first row that is held, how many bytes are, and the next row of the result. */
  let [first, held, y] = [0, 0, 0]

  /** Makes the rows whose pixels are all there, and moves what later ones need to the front. */
  const makeRows = () => {
    for (let count = 0; y < size.height; y += count) {
      count = Math.min(LANES, size.height - y)
      const last = rows[y + count - 1]!
      if ((last.first + last.areas.length - first) * rowBytes > held) break
      const made = work.reduce(rows.slice(y, y + count), first)
      bitmap.pixels.set(memory.subarray(made, made + count * resultBytes), y * resultBytes)
    }
    if (held < capacity || y === size.height) return
    const done = (rows[y]!.first - first) * rowBytes
    memory.copyWithin(room, room + done, room + held)
    first = rows[y]!.first
    held -= done
  }

  return {
    bitmap,
    add(pixels) {
      for (let from = 0; from < pixels.length && y < size.height;) {
        const count = Math.min(capacity - held, pixels.length - from)
        memory.set(pixels.subarray(from, from + count), room + held)
        from += count
        held += count
        makeRows()
      }
    },
    [Symbol.dispose]: () => work.release(),
  }
}

type Stored = TargetSize & { readonly channels: 1 | 3 }

/** An instance of the module, and what lies in its memory. */
interface Work {
  readonly rowBytes: number
  /** The rows that each row of the result stands for. */
  readonly rows: readonly Span[]
  readonly memory: Uint8Array
  /** Where rows are put, and how many bytes of whole rows there is room for. */
  readonly room: number
  readonly capacity: number
  /** Makes up to `LANES` rows; `first` is the row that lies at `room`. Returns where they are. */
  readonly reduce: (rows: readonly Span[], first: number) => number
  readonly release: () => void
}

function prepareWork(stored: Stored, size: TargetSize): Work {
  const { channels } = stored
  const rowBytes = stored.width * channels
  const [rows, columns] = [spans(stored.height, size.height), spans(stored.width, size.width)]
  const [downTaps, acrossTaps] = [longest(rows), longest(columns)]
  const bandRows = Math.ceil((LANES * stored.height) / size.height) + 2
  const bandBytes = size.width * channels * LANES
  const roomBytes = bandRows * rowBytes + Math.max(ROOM, rowBytes)
  const { addresses, bytes } = layOut(
    3 * 4 * LANES,
    2 * downTaps * LANES,
    (4 + 2 * acrossTaps) * size.width,
    2 * (rowBytes + 64) * LANES,
    2 * (rowBytes + 8) * LANES,
    bandBytes + 8 * LANES,
    bandBytes,
    roomBytes,
  )
  const [bands, weights, places, sums, turned, lanes, made, room] = addresses as Eight
  const module = withMemory(idle.pop() ?? null, fresh, bytes)
  const memory = new Uint8Array(module.memory.buffer)
  const view = new DataView(memory.buffer)
  writePlaces(view, places, columns, acrossTaps, stored)
  return {
    rowBytes,
    rows,
    memory,
    room,
    capacity: Math.floor(roomBytes / rowBytes) * rowBytes,
    reduce(band, first) {
      for (const [lane, span] of band.entries()) {
        const at = weights + 2 * downTaps * lane
        writeWeights(view, at, span, ROWS_TOGETHER)
        for (const [index, value] of [room + (span.first - first) * rowBytes, span.areas.length, at].entries())
          view.setUint32(bands + 4 * (3 * lane + index), value, true)
      }
      const { reduceRows } = module
      reduceRows(bands, band.length, rowBytes, channels, places, size.width, acrossTaps, sums, turned, lanes, made)
      return made
    },
    release: () => void idle.push(module),
  }
}

type Eight = [number, number, number, number, number, number, number, number]

/** Pixels that one pixel of the result stands for, and how much of each, in pixels. */
interface Span {
  readonly first: number
  readonly areas: readonly number[]
}

function spans(from: number, to: number): readonly Span[] {
  const scale = from / to
  return Array.from({ length: to }, (_, index) => {
    const [start, end] = [index * scale, Math.min(from, (index + 1) * scale)]
    const first = Math.min(from - 1, Math.floor(start))
    const length = Math.max(1, Math.ceil(end) - first)
    const areas = Array.from({ length }, (__, at) => Math.min(end, first + at + 1) - Math.max(start, first + at))
    return { first, areas }
  })
}

function longest(all: readonly Span[]): number {
  return all.reduce((most, { areas }) => Math.max(most, areas.length), 1)
}

/** Writes areas as whole numbers of 16 bits, with a sum that never differs: what is white stays white. */
function writeWeights(view: DataView, to: number, { areas }: Span, together: number): void {
  const whole = areas.reduce((sum, area) => sum + area, 0)
  let [sum, written] = [0, 0]
  for (const [index, area] of areas.entries()) {
    sum += area
    const upTo = Math.round((sum / whole) * together)
    view.setUint16(to + 2 * index, upTo - written, true)
    written = upTo
  }
}

/** Writes where each pixel's columns begin, and their weights; those that it lacks weigh nothing. */
function writePlaces(
  view: DataView,
  to: number,
  across: readonly Span[],
  taps: number,
  { width, channels }: TargetSize & { readonly channels: number },
): void {
  for (const [index, { first, areas }] of across.entries()) {
    const at = to + index * (4 + 2 * taps)
    const from = Math.min(first, width - taps)
    view.setUint32(at, 2 * LANES * channels * from, true)
    for (let tap = 0; tap < taps; tap++) view.setUint16(at + 4 + 2 * tap, 0, true)
    writeWeights(view, at + 4 + 2 * (first - from), { first, areas }, COLUMNS_TOGETHER)
  }
}
