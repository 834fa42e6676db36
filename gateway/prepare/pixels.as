// What is done to every pixel of a page, in AssemblyScript with SIMD. `npm run wasm` compiles it to pixels.wasm, and
// pixels.ts calls that. Nothing here allocates: the caller says where everything lies in the memory, and leaves 64 bytes
// free behind each piece, because rows are read and written up to 32 pixels at a time.

/** Side of the squares within which paper has one brightness, in pixels: as in pixels.ts. */
const SQUARE: i32 = 32

/** Adds 8 numbers to as many sums of 16 bits. */
// @ts-ignore: decorator
@inline
function add(sums: usize, more: v128): void {
  v128.store(sums, i16x8.add(v128.load(sums), more))
}

function addGray(from: usize, width: i32, sums: usize): void {
  for (let x = 0; x < width; x += 16, from += 16, sums += 32) {
    const gray = v128.load(from)
    add(sums, i16x8.extend_low_i8x16_u(gray))
    add(sums + 16, i16x8.extend_high_i8x16_u(gray))
  }
}

/**
 * Returns the brightness of 4 pixels, with the weights of ITU-R BT.601, in 256ths: of their red and green in 16 bits
 * each, and of their blue in 32.
 */
// @ts-ignore: decorator
@inline
function brightness(redAndGreen: v128, blue: v128): v128 {
  const weighed = i32x4.dot_i16x8_s(redAndGreen, i16x8(77, 150, 77, 150, 77, 150, 77, 150))
  return i32x4.shr_u(i32x4.add(weighed, i32x4.dot_i16x8_s(blue, i16x8(29, 0, 29, 0, 29, 0, 29, 0))), 8)
}

// What a swizzle writes as 0.
const NONE: i8 = -128

// @ts-ignore: decorator
@inline
function brightnessOfRgb(from: usize): v128 {
  const pixels = v128.load(from)
  const low = i8x16(0, NONE, 1, NONE, 3, NONE, 4, NONE, 6, NONE, 7, NONE, 9, NONE, 10, NONE)
  const high = i8x16(2, NONE, NONE, NONE, 5, NONE, NONE, NONE, 8, NONE, NONE, NONE, 11, NONE, NONE, NONE)
  return brightness(i8x16.swizzle(pixels, low), i8x16.swizzle(pixels, high))
}

/** Pixels of 3 bytes; 16 of them at a time, because most are white. */
function addRgb(from: usize, width: i32, sums: usize): void {
  for (let x = 0; x < width; x += 16, from += 48, sums += 32) {
    const all = v128.and(v128.and(v128.load(from), v128.load(from, 16)), v128.load(from, 32))
    if (i8x16.all_true(i8x16.eq(all, i8x16.splat(-1)))) {
      add(sums, i16x8.splat(255))
      add(sums + 16, i16x8.splat(255))
      continue
    }
    add(sums, i16x8.narrow_i32x4_u(brightnessOfRgb(from), brightnessOfRgb(from + 12)))
    add(sums + 16, i16x8.narrow_i32x4_u(brightnessOfRgb(from + 24), brightnessOfRgb(from + 36)))
  }
}

// @ts-ignore: decorator
@inline
function brightnessOfRgbx(from: usize): v128 {
  const pixels = v128.load(from)
  const low = i8x16(0, NONE, 1, NONE, 4, NONE, 5, NONE, 8, NONE, 9, NONE, 12, NONE, 13, NONE)
  const high = i8x16(2, NONE, NONE, NONE, 6, NONE, NONE, NONE, 10, NONE, NONE, NONE, 14, NONE, NONE, NONE)
  return brightness(i8x16.swizzle(pixels, low), i8x16.swizzle(pixels, high))
}

/** Pixels of 4 bytes, the last of which counts for nothing. */
function addRgbx(from: usize, width: i32, sums: usize): void {
  for (let x = 0; x < width; x += 8, from += 32, sums += 16)
    add(sums, i16x8.narrow_i32x4_u(brightnessOfRgbx(from), brightnessOfRgbx(from + 16)))
}

function narrow(sums: usize, across: i32, to: usize): void {
  for (let x = 0; x < across; x += 16, sums += 32, to += 16)
    v128.store(to, i8x16.narrow_i16x8_u(v128.load(sums), v128.load(sums, 16)))
}

/** Returns the means of pairs of sums, 8 of them. */
// @ts-ignore: decorator
@inline
function meansOfPairs(sums: usize): v128 {
  const first = i32x4.extadd_pairwise_i16x8_u(v128.load(sums))
  const second = i32x4.extadd_pairwise_i16x8_u(v128.load(sums, 16))
  return i16x8.shr_u(i16x8.add(i16x8.narrow_i32x4_u(first, second), i16x8.splat(2)), 2)
}

function means(sums: usize, across: i32, run: i32, pixels: i32, to: usize): void {
  for (let x = 0; x < across; x++, to++) {
    let sum: i32 = 0
    for (let column = 0; column < run; column++, sums += 2) sum += load<u16>(sums)
    store<u8>(to, <u8>((2 * sum + pixels) / (2 * pixels)))
  }
}

/**
 * Writes so many rows of brightness, each of whose pixels is the mean, rounded, of a cell of pixels of 1, 3 or 4 bytes.
 * `sums` has room for a row's width in 16 bits each.
 */
export function shrink(
  from: usize,
  channels: i32,
  width: i32,
  cellWidth: i32,
  cellHeight: i32,
  across: i32,
  down: i32,
  sums: usize,
  to: usize,
): void {
  for (let y = 0; y < down; y++, to += across) {
    memory.fill(sums, 0, 2 * width)
    for (let row = 0; row < cellHeight; row++, from += width * channels) {
      if (channels === 1) addGray(from, width, sums)
      else if (channels === 3) addRgb(from, width, sums)
      else addRgbx(from, width, sums)
    }
    if (cellWidth === 1 && cellHeight === 1) narrow(sums, across, to)
    else if (cellWidth === 2 && cellHeight === 2) {
      for (let x = 0; x < across; x += 16)
        v128.store(to + x, i8x16.narrow_i16x8_u(meansOfPairs(sums + 4 * x), meansOfPairs(sums + 4 * x + 32)))
    } else means(sums, across, cellWidth, cellWidth * cellHeight, to)
  }
}

// @ts-ignore: decorator
@inline
function count(at: usize): void {
  store<u32>(at, load<u32>(at) + 1)
}

/** Counts the differences between pixels two apart, of every third in every third row; returns how many it has seen. */
export function countDifferences(from: usize, width: i32, height: i32, counts: usize): i32 {
  memory.fill(counts, 0, 1024)
  let seen: i32 = 0
  for (let y = 0; y < height; y += 3) {
    for (let at = from + y * width, end = from + y * width + width - 2; at < end; at += 3, seen++) {
      count(counts + (<usize>abs(<i32>load<u8>(at) - <i32>load<u8>(at, 2)) << 2))
    }
  }
  return seen
}

/**
 * Counts the gray levels of every second pixel in every second row. Neighbours are mostly the same: counted in two
 * places, they need not wait for each other.
 */
export function countLevels(from: usize, width: i32, height: i32, counts: usize): void {
  memory.fill(counts, 0, 2048)
  for (let y = 0; y < height; y += 2) {
    let at = from + y * width
    const end = at + width
    for (; at + 2 < end; at += 4) {
      count(counts + (<usize>load<u8>(at) << 2))
      count(counts + 1024 + (<usize>load<u8>(at, 2) << 2))
    }
    if (at < end) count(counts + (<usize>load<u8>(at) << 2))
  }
  for (let level: usize = 0; level < 1024; level += 16)
    v128.store(counts + level, i32x4.add(v128.load(counts + level), v128.load(counts + level, 1024)))
}

let lastCount: i32 = 0

/** Adds up those of every second pixel in every second row of a box that lie between two levels. */
export function sumNear(from: usize, width: i32, across: i32, down: i32, least: i32, most: i32): i32 {
  const range = <u32>(most - least)
  let sum: i32 = 0
  let near: i32 = 0
  for (let y = 0; y < down; y += 2, from += 2 * width) {
    for (let at = from, end = from + across; at < end; at += 2) {
      const value = <i32>load<u8>(at)
      const isNear = <i32>(<u32>(value - least) <= range)
      sum += value & -isNear
      near += isNear
    }
  }
  lastCount = near
  return sum
}

/** Returns how many pixels the last `sumNear` added up. */
export function countNear(): i32 {
  return lastCount
}

/** The fixed point of limits: so many parts are a gray level. */
const PARTS: i32 = 256
/** What rounding can make of a limit, in parts. */
const SLACK: i32 = 6

/** Returns what is not 0 for each of 16 pixels that is below or above the limits, which are in parts of a level. */
// @ts-ignore: decorator
@inline
function outside(pixels: v128, least: i32, most: i32): v128 {
  const low = i8x16.splat(<i8>max<i32>(0, (least + PARTS - 1) >> 8))
  const high = i8x16.splat(<i8>min<i32>(255, most >> 8))
  return v128.or(i8x16.lt_u(pixels, low), i8x16.gt_u(pixels, high))
}

function markExactly(from: usize, to: usize, level: f64, slope: f64, past: i32, threshold: f64): void {
  for (let x = 0; x < 16; x++) {
    const distance = <f64>load<u8>(from + x) - level - slope * <f64>(past + x)
    store<u8>(to + x, <u8>(Math.abs(distance) > threshold))
  }
}

/**
 * Writes 1 for each pixel of a row that differs from its paper by more than the threshold, and 0 for the others. `paper`
 * has the paper's brightness in the middle of each square, and the last one twice.
 */
export function markRow(from: usize, to: usize, width: i32, paper: usize, count: i32, threshold: f64): void {
  const limit = <i32>(threshold * PARTS)
  for (let x: i32 = 0; x < width; x += 16) {
    const square = ((x + SQUARE / 2) >> 5) - 1
    const level = load<f32>(paper + (<usize>max<i32>(0, square) << 2))
    const next = load<f32>(paper + (<usize>min<i32>(count - 1, square + 1) << 2))
    const past = x - square * SQUARE - SQUARE / 2
    const slope = <i32>((next - level) * <f32>PARTS)
    const first = <i32>(level * <f32>PARTS) + ((slope * past) >> 5)
    const last = first + (slope >> 1)
    const darkest = min<i32>(first, last)
    const lightest = max<i32>(first, last)
    const pixels = v128.load(from + x)
    // The limits of these 16 pixels, to the safe side: none within them is ink.
    const some = outside(pixels, lightest - limit + SLACK, darkest + limit - SLACK)
    if (!v128.any_true(some)) {
      v128.store(to + x, some)
      continue
    }
    const sure = outside(pixels, darkest - limit - SLACK, lightest + limit + SLACK)
    if (!v128.any_true(v128.xor(some, sure))) {
      v128.store(to + x, v128.and(sure, i8x16.splat(1)))
      continue
    }
    markExactly(from + x, to + x, <f64>level, (<f64>next - <f64>level) / SQUARE, past, threshold)
  }
}

/**
 * Writes the place of each pixel that is ink and has none beside it, `step` pixels on: its x in the lower 16 bits, its y
 * in the upper ones. Leaves out so many rows at the end and columns at the start. Returns how many there are.
 */
export function findEdges(from: usize, width: i32, height: i32, step: i32, to: usize): i32 {
  const first: i32 = step < 0 ? 1 : 0
  const rows = step < 0 ? height : height - 1
  const begin = to
  for (let y = 0; y < rows; y++) {
    for (let x = first; x < width; x += 16) {
      const at = from + y * width + x
      let bits = i8x16.bitmask(i8x16.gt_u(v128.load(at), v128.load(at + step)))
      if (x + 16 > width) bits &= (1 << (width - x)) - 1
      for (; bits !== 0; bits &= bits - 1, to += 4) store<u32>(to, (y << 16) | (x + ctz(bits)))
    }
  }
  return <i32>((to - begin) >> 2)
}

/**
 * Sorts every `stride`th point by its x, or by its y: writes for each x where its points begin, and the last one's end,
 * in 32 bits, and for each point its y in 16 bits.
 */
export function sortPoints(
  points: usize,
  count: i32,
  stride: i32,
  byY: bool,
  length: i32,
  starts: usize,
  to: usize,
): void {
  const keyShift: u32 = byY ? 16 : 0
  const valueShift: u32 = byY ? 0 : 16
  memory.fill(starts, 0, <usize>(length + 2) << 2)
  // Counted two further on, so that filling them leaves each start where it belongs.
  for (let index = 0; index < count; index += stride) {
    const start = starts + (<usize>((load<u32>(points + (<usize>index << 2)) >> keyShift) & 0xffff) << 2)
    store<u32>(start, load<u32>(start, 8) + 1, 8)
  }
  for (let key = 0, sum: u32 = 0; key < length + 2; key++) {
    sum += load<u32>(starts + (<usize>key << 2))
    store<u32>(starts + (<usize>key << 2), sum)
  }
  for (let index = 0; index < count; index += stride) {
    const point = load<u32>(points + (<usize>index << 2))
    const start = starts + (<usize>((point >> keyShift) & 0xffff) << 2)
    const place = load<u32>(start, 4)
    store<u32>(start, place + 1, 4)
    store<u16>(to + (<usize>place << 1), <u16>(point >> valueShift))
  }
}

/**
 * Returns how sharp the profile of sorted points is along lines of a slope: the sum of the squares of the differences
 * between neighbouring rows. `rows` has room for `count` of them in 32 bits each.
 */
export function sharpness(
  starts: usize,
  length: i32,
  across: usize,
  slope: f64,
  offset: f64,
  rows: usize,
  count: i32,
): f64 {
  memory.fill(rows, 0, <usize>count << 2)
  let at = across
  for (let x = 0; x < length; x++) {
    const shifted = rows + (<usize>(<i32>Math.floor(offset - <f64>x * slope)) << 2)
    const end = across + (<usize>load<u32>(starts + (<usize>x << 2), 4) << 1)
    for (; at < end; at += 2) {
      const row = shifted + (<usize>load<u16>(at) << 2)
      store<u32>(row, load<u32>(row) + 1)
    }
  }
  let sum: f64 = 0
  for (let row = 1, before: i32 = load<i32>(rows); row < count; row++) {
    const value = load<i32>(rows + (<usize>row << 2))
    const difference = <f64>(value - before)
    sum += difference * difference
    before = value
  }
  return sum
}

/**
 * Takes the next connected piece of ink (diagonals connect) from a mask, at or behind a pixel, up to so many pixels of it.
 * Writes its left, top, right, bottom and area, in 32 bits each; returns where it was found, or -1. `waiting` has room for
 * each pixel of the mask in 32 bits.
 */
export function takePiece(
  ink: usize,
  width: i32,
  height: i32,
  from: i32,
  most: i32,
  waiting: usize,
  piece: usize,
): i32 {
  const size = width * height
  let seed = from
  while (seed < size && !v128.any_true(v128.load(ink + seed))) seed += 16
  while (seed < size && load<u8>(ink + seed) === 0) seed++
  if (seed >= size) return -1
  let left = width
  let right: i32 = -1
  let top = height
  let bottom: i32 = -1
  let area: i32 = 0
  let end = waiting + 4
  store<u32>(waiting, seed)
  store<u8>(ink + seed, 0)
  while (end > waiting && area < most) {
    end -= 4
    const at = load<i32>(end)
    const y = at / width
    const x = at - y * width
    area++
    left = min(left, x)
    right = max(right, x)
    top = min(top, y)
    bottom = max(bottom, y)
    const first = x > 0 ? -1 : 0
    const last = x < width - 1 ? 1 : 0
    const lowest = y < height - 1 ? at + width : at
    for (let row = y > 0 ? at - width : at; row <= lowest; row += width) {
      for (let next = row + first; next <= row + last; next++) {
        if (load<u8>(ink + next) === 0) continue
        store<u8>(ink + next, 0)
        store<u32>(end, next)
        end += 4
      }
    }
  }
  store<i32>(piece, left)
  store<i32>(piece, top, 4)
  store<i32>(piece, right, 8)
  store<i32>(piece, bottom, 12)
  store<i32>(piece, area, 16)
  return seed
}
