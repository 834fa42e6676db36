// Makes rows of an image smaller, in AssemblyScript with SIMD: each pixel becomes the mean of the area that it stands for.
// `npm run wasm` compiles it to reduce.wasm, and reduce.ts calls that and says where everything lies. Rows are read and
// written up to 32 bytes at a time: 64 bytes are free behind each piece.

/** As many rows are made at once: one in each lane of a vector. */
const LANES: i32 = 8

/**
 * Writes a row of sums of 15 bits, 7 of them behind the point: of rows one below the other, each with its weight in 16
 * bits. The weights are 256 together.
 */
function addRows(from: usize, rowBytes: i32, count: i32, weights: usize, to: usize): void {
  const end = weights + (<usize>count << 1)
  for (let x = 0; x < rowBytes; x += 32, from += 32, to += 64) {
    let a = i16x8.splat(0)
    let b = a
    let c = a
    let d = a
    let at = from
    for (let weight = weights; weight < end; weight += 2, at += rowBytes) {
      const factor = v128.load16_splat(weight)
      const pixels = v128.load(at)
      const next = v128.load(at, 16)
      a = i16x8.add(a, i16x8.mul(i16x8.extend_low_i8x16_u(pixels), factor))
      b = i16x8.add(b, i16x8.mul(i16x8.extend_high_i8x16_u(pixels), factor))
      c = i16x8.add(c, i16x8.mul(i16x8.extend_low_i8x16_u(next), factor))
      d = i16x8.add(d, i16x8.mul(i16x8.extend_high_i8x16_u(next), factor))
    }
    v128.store(to, i16x8.shr_u(a, 1))
    v128.store(to, i16x8.shr_u(b, 1), 16)
    v128.store(to, i16x8.shr_u(c, 1), 32)
    v128.store(to, i16x8.shr_u(d, 1), 48)
  }
}

// @ts-ignore: decorator
@inline
function low16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}
// @ts-ignore: decorator
@inline
function high16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** Writes 8 rows of 16 bits as columns: for each place, its numbers from all rows. */
function toColumns(from: usize, stride: usize, length: i32, to: usize): void {
  for (let x = 0; x < length; x += 8, from += 16, to += 128) {
    const a = v128.load(from)
    const b = v128.load(from + stride)
    const c = v128.load(from + 2 * stride)
    const d = v128.load(from + 3 * stride)
    const e = v128.load(from + 4 * stride)
    const f = v128.load(from + 5 * stride)
    const g = v128.load(from + 6 * stride)
    const h = v128.load(from + 7 * stride)
    // Three rounds, each of which brings together rows that are 4, 2 and 1 apart.
    const a1 = low16(a, e)
    const b1 = low16(b, f)
    const c1 = low16(c, g)
    const d1 = low16(d, h)
    const e1 = high16(a, e)
    const f1 = high16(b, f)
    const g1 = high16(c, g)
    const h1 = high16(d, h)
    const a2 = low16(a1, c1)
    const b2 = low16(b1, d1)
    const c2 = high16(a1, c1)
    const d2 = high16(b1, d1)
    const e2 = low16(e1, g1)
    const f2 = low16(f1, h1)
    const g2 = high16(e1, g1)
    const h2 = high16(f1, h1)
    v128.store(to, low16(a2, b2))
    v128.store(to, high16(a2, b2), 16)
    v128.store(to, low16(c2, d2), 32)
    v128.store(to, high16(c2, d2), 48)
    v128.store(to, low16(e2, f2), 64)
    v128.store(to, high16(e2, f2), 80)
    v128.store(to, low16(g2, h2), 96)
    v128.store(to, high16(g2, h2), 112)
  }
}

/**
 * Writes for each place its bytes in 8 rows: sums of as many columns, each with its weight. `places` has for each of them the
 * address of its first column, from `columns` on, in 32 bits and its weights in 16 bits, which are 32767 together.
 */
function addColumns(columns: usize, places: usize, across: i32, taps: i32, to: usize): void {
  for (let x = 0; x < across; x++, to += LANES) {
    let at = columns + load<u32>(places)
    const weights = places + 4
    places = weights + (<usize>taps << 1)
    let sum = i16x8.splat(0)
    for (let weight = weights; weight < places; weight += 2, at += 16) sum = added(sum, at, v128.load16_splat(weight))
    storeLanes(to, sum)
  }
}

/** The same for pixels of three bytes. */
function addColumnsOfThree(columns: usize, places: usize, across: i32, taps: i32, to: usize): void {
  for (let x = 0; x < across; x++, to += 3 * LANES) {
    let at = columns + load<u32>(places)
    const weights = places + 4
    places = weights + (<usize>taps << 1)
    let red = i16x8.splat(0)
    let green = red
    let blue = red
    for (let weight = weights; weight < places; weight += 2, at += 48) {
      const factor = v128.load16_splat(weight)
      red = added(red, at, factor)
      green = added(green, at + 16, factor)
      blue = added(blue, at + 32, factor)
    }
    storeLanes(to, red)
    storeLanes(to + LANES, green)
    storeLanes(to + 2 * LANES, blue)
  }
}

// @ts-ignore: decorator
@inline
function added(sum: v128, at: usize, factor: v128): v128 {
  return i16x8.add(sum, i16x8.q15mulr_sat_s(v128.load(at), factor))
}

// @ts-ignore: decorator
@inline
function storeLanes(to: usize, sum: v128): void {
  const pixels = i16x8.shr_u(i16x8.add(sum, i16x8.splat(64)), 7)
  v128.store64_lane(to, i8x16.narrow_i16x8_u(pixels, pixels), 0)
}

// @ts-ignore: decorator
@inline
function low8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}
// @ts-ignore: decorator
@inline
function high8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

/** Writes columns of 8 bytes as so many rows. */
function toRows(from: usize, length: i32, rows: i32, to: usize): void {
  for (let x = 0; x < length; x += 8, from += 64) {
    const a = v128.load(from)
    const b = v128.load(from, 16)
    const c = v128.load(from, 32)
    const d = v128.load(from, 48)
    const a1 = low8(a, c)
    const b1 = high8(a, c)
    const c1 = low8(b, d)
    const d1 = high8(b, d)
    const a2 = low8(a1, c1)
    const b2 = high8(a1, c1)
    const c2 = low8(b1, d1)
    const d2 = high8(b1, d1)
    storeRows(low8(a2, c2), to, length, x, 0, rows)
    storeRows(high8(a2, c2), to, length, x, 2, rows)
    storeRows(low8(b2, d2), to, length, x, 4, rows)
    storeRows(high8(b2, d2), to, length, x, 6, rows)
  }
}

/** Writes 8 bytes into each of two rows. What they have beyond its end, the next row overwrites. */
// @ts-ignore: decorator
@inline
function storeRows(pixels: v128, to: usize, length: i32, x: i32, row: i32, rows: i32): void {
  const at = to + row * length + x
  if (row < rows) storePart(at, i64x2.extract_lane(pixels, 0), length - x)
  if (row + 1 < rows) storePart(at + length, i64x2.extract_lane(pixels, 1), length - x)
}

// @ts-ignore: decorator
@inline
function storePart(to: usize, bytes: i64, count: i32): void {
  if (count >= 8) store<i64>(to, bytes)
  else for (let at = 0; at < count; at++, bytes >>= 8) store<u8>(to + at, <u8>bytes)
}

/**
 * Writes up to 8 rows. `bands` has for each of them the address of its first row of `rowBytes`, how many there are, and
 * where their weights lie, in 32 bits each. `sums` has room for 8 rows in 16 bits, and so has `columns`; `bytes` has room for 8 rows of
 * the result. `across` is in pixels.
 */
export function reduceRows(
  bands: usize,
  rows: i32,
  rowBytes: i32,
  channels: i32,
  places: usize,
  across: i32,
  taps: i32,
  sums: usize,
  columns: usize,
  bytes: usize,
  to: usize,
): void {
  const stride = (<usize>rowBytes * 2 + 127) & ~63
  for (let row = 0; row < rows; row++, bands += 12)
    addRows(load<u32>(bands), rowBytes, load<u32>(bands, 4), load<u32>(bands, 8), sums + row * stride)
  toColumns(sums, stride, rowBytes, columns)
  if (channels === 1) addColumns(columns, places, across, taps, bytes)
  else addColumnsOfThree(columns, places, across, taps, bytes)
  toRows(bytes, across * channels, rows, to)
}
