// Bilevel images, as small as they are wanted, in AssemblyScript with SIMD. `npm run wasm` compiles it to bilevel.wasm, and
// bilevel.ts calls that. Each row becomes the places where its colour changes, and these are added to the small image: no
// row of pixels is ever made. Nothing here allocates: the caller says where everything lies in the memory.

/** So many parts are a cell's width, and so many its height. */
const PARTS_ACROSS: i32 = 12
const PARTS_DOWN: i32 = 14

let columns: i32 = 0
let rows: i32 = 0
let width: i32 = 0
let height: i32 = 0
/** Parts of a cell per column, with 20 bits behind the point. */
let scale: u64 = 0
/** What turns a cell's gray round where runs are light. */
let flip: i32 = 0
let sums: usize = 0
let to: usize = 0
/** So many rows have come, and so many rows of cells are written. */
let row: i32 = 0
let line: i32 = 0

/**
 * Begins an image of so many columns and rows, which becomes one of so many cells across and down, never more. Its rows
 * begin with the paper's colour. `sumsAt` has room for two more cells than there are across, in 32 bits each; 64 bytes lie
 * behind it, and behind what is written.
 */
export function begin(
  imageColumns: i32,
  imageRows: i32,
  across: i32,
  down: i32,
  isLightOnDark: bool,
  sumsAt: usize,
  out: usize,
): void {
  columns = imageColumns
  rows = imageRows
  width = across
  height = down
  scale = (<u64>across << 32) / <u64>imageColumns
  flip = isLightOnDark ? 255 : 0
  sums = sumsAt
  to = out
  row = 0
  line = 0
  memory.fill(sums, 0, <usize>(across + 2) << 2)
}

/** Where a row begins, in parts of a cell's height. */
// @ts-ignore: decorator
@inline
function top(at: i32): i32 {
  return <i32>(((<u64>at * <u64>height) << PARTS_DOWN) / <u64>rows)
}

/** Adds so much of the height of a row's runs: each change to its cell and the one behind, as all that follow are of it. */
function add(from: usize, end: usize, part: i32): void {
  for (; from < end; from += 4, part = -part) {
    const place = <i32>((<u64>load<u32>(from) * scale + (1 << 19)) >> 20)
    const cell = sums + (<usize>(place >> PARTS_ACROSS) << 2)
    const within = place & ((1 << PARTS_ACROSS) - 1)
    store<i32>(cell, load<i32>(cell) + part * ((1 << PARTS_ACROSS) - within))
    store<i32>(cell, load<i32>(cell, 4) + part * within, 4)
  }
}

/** The sum up to the one before these 4, in each part. */
let before: v128 = i32x4.splat(0)

/** Takes 4 sums, leaves 0 there, and returns how dark their cells are, of 255. */
// @ts-ignore: decorator
@inline
function darkness(at: usize): v128 {
  const none = i32x4.splat(0)
  let sum = v128.load(at)
  v128.store(at, none)
  // Each becomes the sum of all up to it.
  sum = i32x4.add(sum, i8x16.shuffle(none, sum, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27))
  sum = i32x4.add(sum, i8x16.shuffle(none, sum, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23))
  sum = i32x4.add(sum, before)
  before = i8x16.shuffle(sum, sum, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15)
  // The most that a cell can hold is 1 << 26, and then 1 << 16.
  const share = i32x4.shr_s(i32x4.add(sum, i32x4.splat(512)), 10)
  const level = i32x4.add(i32x4.sub(i32x4.shl(share, 8), share), i32x4.splat(32768))
  return i32x4.shr_s(level, 16)
}

/** Writes a row of cells, 16 of them at a time. */
function writeLine(): void {
  const light = i8x16.splat(<i8>(255 ^ flip))
  before = i32x4.splat(0)
  for (let x = 0, at = sums; x < width; x += 16, at += 64) {
    const first = i16x8.narrow_i32x4_s(darkness(at), darkness(at + 16))
    const second = i16x8.narrow_i32x4_s(darkness(at + 32), darkness(at + 48))
    v128.store(to + x, v128.xor(i8x16.narrow_i16x8_u(first, second), light))
  }
  to += width
  store<u64>(sums + (<usize>width << 2), 0)
}

/** Takes the next row: the columns in which its colour changes. */
function takeRow(from: usize, end: usize): void {
  const begins = top(row)
  const ends = top(++row)
  const next = (line + 1) << PARTS_DOWN
  add(from, end, min(ends, next) - begins)
  if (ends < next) return
  writeLine()
  line++
  if (ends > next) add(from, end, ends - next)
}

/**
 * Takes rows of pixels of one byte each, `stride` bytes apart; `changes` has room for as many numbers of 32 bits as there
 * are columns, and 64 bytes lie behind the pixels. Returns whether every pixel is 0 or 255.
 */
export function takePixels(from: usize, stride: i32, count: i32, changes: usize): bool {
  const white = i8x16.splat(-1)
  let gray = i8x16.splat(0)
  for (; count > 0; count--, from += stride) {
    let end = changes
    let last = white
    for (let x: i32 = 0; x < columns; x += 16) {
      const pixels = v128.load(from + x)
      const before = i8x16.shuffle(last, pixels, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
      last = pixels
      let bits = i8x16.bitmask(i8x16.ne(pixels, before))
      let other = v128.andnot(i8x16.ne(pixels, white), i8x16.eq(pixels, i8x16.splat(0)))
      if (x + 16 > columns) {
        bits &= (1 << (columns - x)) - 1
        if ((i8x16.bitmask(other) & ((1 << (columns - x)) - 1)) === 0) other = i8x16.splat(0)
      }
      gray = v128.or(gray, other)
      for (; bits !== 0; bits &= bits - 1, end += 4) store<u32>(end, x + ctz(bits))
    }
    takeRow(changes, end)
  }
  return !v128.any_true(gray)
}

// CCITT group 4, as ITU-T T.6 has it. In a table's entry, the last 4 bits are a code's length, and 0 stands for no code.

/** Kinds of modes: below PASS, a change so many columns and 3 less to the right of the one above it. */
const PASS: i32 = 7
/** The table of modes has 7 bits, the one of white runs 12, and the one of black runs 13. */
const WHITE_AT: usize = 128
const BLACK_AT: usize = 128 + 2 * 4096

let codes: usize = 0
let alignsRows: bool = false
let content: usize = 0
let contentEnd: usize = 0
let at: usize = 0
/** Bits that were read and not used yet, from the highest on, and how many of them there are. */
let bits: u64 = 0
let held: i32 = 0
/** Where the changes of the last row and of this one lie. */
let above: usize = 0
let here: usize = 0

/**
 * Begins to decode, after `begin`. 16 bytes of 0 lie behind the content: no code is all 0, so nothing is read beyond
 * them. `lines` has room for twice as many numbers of 32 bits as there are columns, and 8 more.
 */
export function beginDecoding(from: usize, length: i32, hasAlignedRows: bool, tables: usize, lines: usize): void {
  codes = tables
  alignsRows = hasAlignedRows
  content = from
  contentEnd = from + length
  at = from
  bits = 0
  held = 0
  above = lines
  here = lines + (<usize>(columns + 4) << 2)
  endLine(above)
}

/** Nothing is found behind a line's last change, however it is looked for. */
function endLine(end: usize): void {
  store<i32>(end, columns)
  store<i32>(end, columns, 4)
  store<i32>(end, columns, 8)
  store<i32>(end, columns, 12)
}

/** Bits left of the content; less than 0 when bits behind it were taken for some of it. */
function bitsLeft(): i32 {
  return (<i32>(contentEnd - at) << 3) + held
}

/** Decodes the next rows; returns whether that succeeded. */
export function decodeRows(count: i32): bool {
  for (; count > 0; count--) {
    if (alignsRows) {
      bits <<= held & 7
      held &= ~7
    }
    const end = decodeRow()
    if (end === 0 || bitsLeft() < 0) return false
    endLine(end)
    takeRow(here, end)
    const last = above
    above = here
    here = last
  }
  return true
}

/** Whether what follows the last row ends the image, or is so little that it means nothing. */
export function endsWithin(bytes: i32): bool {
  if (alignsRows) {
    bits <<= held & 7
    held &= ~7
  }
  if (bitsLeft() <= bytes << 3) return true
  if (held < 32) refill()
  return bits >> 40 === 0x001001
}

// @ts-ignore: decorator
@inline
function refill(): void {
  bits |= <u64>bswap(load<u32>(at)) << (32 - held)
  at += 4
  held += 32
}

/** Writes the changes of the next row; returns where they end, or 0 for what is no row. */
function decodeRow(): usize {
  const begin = here
  const reference = above
  const most = columns
  let end = begin
  let change = reference
  let column: i32 = -1
  let isBlack: bool = false
  while (column < most) {
    if (held < 32) refill()
    const mode = <i32>load<u8>(codes + <usize>(bits >> 57))
    const length = mode & 15
    if (length === 0) return 0
    bits <<= length
    held -= length
    const kind = mode >> 4
    if (kind < PASS) {
      const next = load<i32>(change) + kind - 3
      if (next <= column || next > most) return 0
      column = next
      if (column === most) break
      store<i32>(end, column)
      end += 4
      isBlack = !isBlack
      // Back by one, the change has the right colour too, and may lie behind this one.
      change += kind < 3 && change > reference ? -4 : 4
    } else if (kind === PASS) {
      column = load<i32>(change, 4)
      if (column >= most) return 0
      change += 8
      continue
    } else {
      column = max(column, 0)
      for (let run = 0; run < 2; run++, isBlack = !isBlack) {
        const length = readRun(isBlack)
        if (length > most - column) return 0
        column += length
        if (column === most) continue
        // A run of no pixels: the one before it goes on.
        if (end > begin && load<i32>(end - 4) === column) end -= 4
        else {
          store<i32>(end, column)
          end += 4
        }
      }
    }
    for (; ; change += 8) {
      const next = load<i32>(change)
      if (next > column || next === most) break
    }
  }
  return end
}

/** Returns the length of the next run, or more than any row has for what is none. */
function readRun(isBlack: bool): i32 {
  let run: i32 = 0
  while (run <= columns) {
    if (held < 32) refill()
    const table = codes + (isBlack ? BLACK_AT + (<usize>(bits >> 51) << 1) : WHITE_AT + (<usize>(bits >> 52) << 1))
    const code = <i32>load<u16>(table)
    const length = code & 15
    if (length === 0) break
    bits <<= length
    held -= length
    const part = code >> 4
    run += part
    if (part < 64) return run
  }
  return i32.MAX_VALUE
}
