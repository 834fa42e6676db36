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

/**
 * Takes rows of pixels of one bit each, the highest bit of a byte first, `stride` bytes apart; a bit that is set is paper. `changes`
 * has room for as many numbers of 32 bits as there are columns, and 64 bytes lie behind the bits.
 */
export function takeBits(from: usize, stride: i32, count: i32, changes: usize): void {
  for (; count > 0; count--, from += stride) {
    let end = changes
    let last: u64 = 1
    for (let x: i32 = 0; x < columns; x += 64) {
      const word = bswap(load<u64>(from + (x >> 3)))
      let differing = word ^ ((word >> 1) | (last << 63))
      last = word & 1
      if (x + 64 > columns) differing &= ~(u64.MAX_VALUE >> <u64>(columns - x))
      while (differing !== 0) {
        const place = clz(differing)
        store<u32>(end, x + <i32>place)
        end += 4
        differing ^= (<u64>1 << 63) >> place
      }
    }
    takeRow(changes, end)
  }
}

// CCITT group 4, as ITU-T T.6 has it. In a table's entry, the last 4 bits are a code's length, and 0 stands for no code.

/** Kinds of modes: below PASS, a change so many columns and 3 less to the right of the one above it. */
const PASS: i32 = 7
/** The table of modes has 7 bits, the one of white runs 12, and the one of black runs 13. */
const WHITE_AT: usize = 128
const BLACK_AT: usize = 128 + 2 * 4096

let codes: usize = 0
let alignsRows: bool = false
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

/** Goes on to the next byte where each row begins with one; returns whether there was nothing before it. */
function align(): bool {
  const rest = held & 7
  if (!alignsRows || rest === 0) return true
  if (bits >> (64 - rest) !== 0) return false
  bits <<= rest
  held -= rest
  return true
}

/** Decodes the next rows; returns whether that succeeded. */
export function decodeRows(count: i32): bool {
  for (; count > 0; count--) {
    if (!align()) return false
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
  if (!align()) return false
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

// JBIG2 generic regions with template 0 and its usual adaptive pixels, as ITU-T T.88, 6.2 and annex E, have them.

/** The context of a row's flag: whether it is the same as the one above. */
const TYPICAL: i32 = 0x9b25
/** What stays of a context when its pixels move to the left: not those that leave the rows above. */
const KEPT: i32 = 0xf7ee
/** As little is skipped at once: a division takes as long as some pixels. */
const SKIPPED: i32 = 8

let states: usize = 0
let contexts: usize = 0
let hasTypicalRows: bool = false
let isTypical: i32 = 0
/** How often bits behind the data were wanted; what PDFium accepts. */
let wanted: i32 = 0
const MAX_WANTED: i32 = 2
/** Registers of the decoder: A, C and CT. */
let interval: u32 = 0
let code: u32 = 0
let shifts: i32 = 0
/** The changes of the row two above, where those of the one above end, and the pixels of three rows. */
let higher: usize = 0
let aboveEnd: usize = 0
let pixelsHigher: usize = 0
let pixelsAbove: usize = 0
let pixelsHere: usize = 0

/**
 * Begins to decode a generic region, after `begin`. 16 bytes of 255 lie behind the content. `stateTable` has 4 bytes for each
 * state and likelier bit: Qe in 16 bits, and the next state after the likelier and the other bit. `room` has three times as
 * many numbers of 32 bits as there are columns, and 12 more, then as many pixels, 48 more, and 65536 bytes.
 */
export function beginRegion(from: usize, hasTypical: bool, stateTable: usize, room: usize): void {
  const line = <usize>(columns + 4) << 2
  const pixels = <usize>(columns + 16)
  states = stateTable
  hasTypicalRows = hasTypical
  isTypical = 0
  wanted = 0
  higher = room
  above = higher + line
  here = above + line
  aboveEnd = above
  endLine(higher)
  endLine(above)
  pixelsHigher = here + line
  pixelsAbove = pixelsHigher + pixels
  pixelsHere = pixelsAbove + pixels
  contexts = pixelsHere + pixels
  memory.fill(pixelsHigher, 0, 3 * pixels + 0x10000)
  at = from
  code = <u32>load<u8>(from) << 16
  takeByte()
  code <<= 7
  shifts -= 7
  interval = 0x8000
}

function takeByte(): void {
  const next = <u32>load<u8>(at, 1)
  if (load<u8>(at) !== 0xff) {
    at++
    code += next << 8
    shifts = 8
  } else if (next > 0x8f) {
    wanted++
    code += 0xff00
    shifts = 8
  } else {
    at++
    code += next << 9
    shifts = 7
  }
}

/** Decodes the next rows of the region; returns whether that succeeded. */
export function decodeRegion(count: i32): bool {
  for (; count > 0 && wanted <= MAX_WANTED; count--) {
    if (hasTypicalRows) isTypical ^= decodeBit(TYPICAL)
    let end = here
    if (isTypical !== 0) {
      memory.copy(here, above, aboveEnd - above)
      memory.copy(pixelsHere, pixelsAbove, columns)
      end += aboveEnd - above
    } else end = decodePixels()
    endLine(end)
    takeRow(here, end)
    const free = higher
    higher = above
    above = here
    aboveEnd = end
    here = free
    const freePixels = pixelsHigher
    pixelsHigher = pixelsAbove
    pixelsAbove = pixelsHere
    pixelsHere = freePixels
  }
  return wanted <= MAX_WANTED
}

/** Decodes a bit in a context. */
// @ts-ignore: decorator
@inline
function decodeBit(context: i32): i32 {
  const place = contexts + context
  const state = <i32>load<u8>(place)
  const entry = load<u32>(states + (<usize>state << 2))
  const share = entry & 0xffff
  const rest = interval - share
  let bit = state & 1
  if (code >> 16 < share) {
    const isLikelier = rest < share
    bit ^= <i32>!isLikelier
    store<u8>(place, <u8>(isLikelier ? entry >> 16 : entry >> 24))
    interval = share
  } else {
    code -= share << 16
    interval = rest
    if (rest & 0x8000) return bit
    const isLikelier = rest >= share
    bit ^= <i32>!isLikelier
    store<u8>(place, <u8>(isLikelier ? entry >> 16 : entry >> 24))
  }
  do {
    if (shifts === 0) takeByte()
    interval <<= 1
    code <<= 1
    shifts--
  } while ((interval & 0x8000) === 0)
  return bit
}

/** Returns how many pixels, but `most`, are white for sure, where all of the context is; takes them from the code. */
// @ts-ignore: decorator
@inline
function skipWhite(most: i32): i32 {
  const state = <i32>load<u8>(contexts)
  const share = load<u32>(states + (<usize>state << 2)) & 0xffff
  if ((state & 1) !== 0) return 0
  const count = min<u32>(min<u32>((interval - 0x8000) / share, (code >> 16) / share), most)
  interval -= count * share
  code -= (count * share) << 16
  return count
}

/** Decodes the pixels of a row, and writes its changes; returns where they end. */
function decodePixels(): usize {
  const higherRow = pixelsHigher
  const aboveRow = pixelsAbove
  const row = pixelsHere
  const most = columns
  memory.fill(row, 0, most)
  let context =
    (<i32>load<u8>(higherRow) << 13) | (<i32>load<u8>(higherRow, 1) << 12) | (<i32>load<u8>(higherRow, 2) << 11)
  context |= (<i32>load<u8>(aboveRow) << 7) | (<i32>load<u8>(aboveRow, 1) << 6)
  context |= (<i32>load<u8>(aboveRow, 2) << 5) | (<i32>load<u8>(aboveRow, 3) << 4)
  let end = here
  let nextAbove = above
  let nextHigher = higher
  let last: i32 = 0
  for (let x: i32 = 0; x < most; ) {
    if (context === 0) {
      // No black pixel comes into the context before the next black runs of the rows above.
      const lead = min(x + 4, most)
      while (load<i32>(nextAbove) < lead) nextAbove += 8
      while (load<i32>(nextHigher) < lead - 1) nextHigher += 8
      const white = min(load<i32>(nextAbove) - 4, load<i32>(nextHigher) - 3) - x
      if (white >= SKIPPED) {
        const skipped = skipWhite(white)
        x += skipped
        if (skipped > 0) continue
      }
    }
    const bit = decodeBit(context)
    store<u8>(row + x, bit)
    store<i32>(end, x)
    end += (bit ^ last) << 2
    last = bit
    context = ((context << 1) & KEPT) | bit
    context |= (<i32>load<u8>(aboveRow + x, 4) << 4) | (<i32>load<u8>(higherRow + x, 3) << 11)
    x++
  }
  return end
}
