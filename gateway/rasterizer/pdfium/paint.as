// Paints images over each other, larger than they are stored, in AssemblyScript with SIMD, where PDFium has decoded them: in
// its memory. Painted pixels are blue, green, red and a byte that means nothing. `npm run wasm` compiles it to paint.wasm, and
// paint.ts calls that and says where everything lies. 8 bytes are readable behind each image, and 64 are free behind all else.

/** Where the channels of two pixels that lie beside each other are, of 8 bytes of each of two places. */
// @ts-ignore: decorator
@inline
function channelsOf(two: v128, channels: i32, pixel: i32): v128 {
  if (channels === 1) {
    if (pixel === 0) return i8x16.swizzle(two, i8x16(0, 0, 0, 0, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0))
    return i8x16.swizzle(two, i8x16(1, 1, 1, 1, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0))
  }
  if (channels === 3) {
    if (pixel === 0) return i8x16.swizzle(two, i8x16(0, 1, 2, 2, 8, 9, 10, 10, 0, 0, 0, 0, 0, 0, 0, 0))
    return i8x16.swizzle(two, i8x16(3, 4, 5, 5, 11, 12, 13, 13, 0, 0, 0, 0, 0, 0, 0, 0))
  }
  if (pixel === 0) return i8x16.swizzle(two, i8x16(0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0))
  return i8x16.swizzle(two, i8x16(4, 5, 6, 7, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0))
}

/** Goes from one of two numbers of 8 bits so far to the other: 0 to 256. What is behind the point is cut off, as PDFium does. */
// @ts-ignore: decorator
@inline
function between(one: v128, other: v128, share: v128): v128 {
  return i16x8.shr_u(i16x8.add(i16x8.shl(one, 8), i16x8.mul(i16x8.sub(other, one), share)), 8)
}

/**
 * Spreads a row of pixels over `across` of them. Of each, `places` tells in 32 bits where the first of the two pixels is that it lies
 * between, in bytes, and in 32 more how far it is from that one, of 256; there is an even number of them.
 */
// @ts-ignore: decorator
@inline
function spread(from: usize, channels: i32, places: usize, across: i32, to: usize): void {
  for (let x = 0; x < across; x += 2, places += 16, to += 8) {
    const two = v128.load64_lane(from + load<u32>(places, 8), v128.load64_zero(from + load<u32>(places)), 1)
    const one = i16x8.extend_low_i8x16_u(channelsOf(two, channels, 0))
    const other = i16x8.extend_low_i8x16_u(channelsOf(two, channels, 1))
    const shares = v128.load(places)
    const share = i8x16.shuffle(shares, shares, 4, 5, 4, 5, 4, 5, 4, 5, 12, 13, 12, 13, 12, 13, 12, 13)
    const pixels = between(one, other, share)
    v128.store64_lane(to, i8x16.narrow_i16x8_u(pixels, pixels), 0)
  }
}

/** Writes the row that lies so far between two, of 256. */
function mix(top: usize, below: usize, share: i32, bytes: i32, to: usize): void {
  const shares = i16x8.splat(<i16>share)
  for (let x = 0; x < bytes; x += 16) {
    const a = v128.load(top + x)
    const b = v128.load(below + x)
    const low = between(i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_u(b), shares)
    const high = between(i16x8.extend_high_i8x16_u(a), i16x8.extend_high_i8x16_u(b), shares)
    v128.store(to + x, i8x16.narrow_i16x8_u(low, high))
  }
}

/** Two numbers of 8 bits, as one covers the other so much, of 255. What is behind the point is cut off, as PDFium does. */
// @ts-ignore: decorator
@inline
function covered(ground: v128, over: v128, share: v128): v128 {
  const rest = i16x8.sub(i16x8.splat(255), share)
  const sum = i16x8.add(i16x8.mul(ground, rest), i16x8.mul(over, share))
  // A 255th, for all that is below 65535.
  return i16x8.shr_u(i16x8.add(i16x8.add(sum, i16x8.splat(1)), i16x8.shr_u(sum, 8)), 8)
}

/** Paints a row over another one, each pixel as far as `shares` tells, of 255. */
function cover(over: usize, shares: usize, count: i32, to: usize): void {
  for (let x = 0; x < count; x += 4, over += 16, to += 16) {
    let four = load<u32>(shares + x)
    // What is behind the row's last pixel belongs to the next row.
    if (x + 4 > count) four &= (1 << ((count - x) << 3)) - 1
    if (four === 0) continue
    const all = i32x4.splat(four)
    const share = i8x16.shuffle(all, all, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
    const ground = v128.load(to)
    const pixels = v128.load(over)
    const low = covered(
      i16x8.extend_low_i8x16_u(ground),
      i16x8.extend_low_i8x16_u(pixels),
      i16x8.extend_low_i8x16_u(share),
    )
    const high = covered(
      i16x8.extend_high_i8x16_u(ground),
      i16x8.extend_high_i8x16_u(pixels),
      i16x8.extend_high_i8x16_u(share),
    )
    v128.store(to, i8x16.narrow_i16x8_u(low, high))
  }
}

/**
 * Paints the rows from `first` to `end` of an image, `across` pixels wide, which lie at `to`. The image's rows of 1, 3 or 4 channels
 * are `stride` bytes apart. `columns` and `rows` tell where each pixel and each row lies in the image, as `spread` has it, rows in bytes,
 * too. `shares` has a byte for each painted pixel: how far it covers what is there; 0: all of it does. `work` has room for three
 * painted rows of `rowBytes` each.
 */
export function paint(
  from: usize,
  stride: i32,
  channels: i32,
  columns: usize,
  rows: usize,
  across: i32,
  first: i32,
  end: i32,
  shares: usize,
  work: usize,
  rowBytes: i32,
  to: usize,
): void {
  let top = work
  let below = work + rowBytes
  const mixed = below + rowBytes
  let held: u32 = u32.MAX_VALUE
  rows += <usize>first << 3
  for (let y = first; y < end; y++, rows += 8, to += <usize>across << 2) {
    const place = load<u32>(rows)
    if (place !== held) {
      const swapped = top
      top = below
      below = swapped
      if (held === u32.MAX_VALUE || place !== held + <u32>stride) spreadAny(from + place, channels, columns, across, top)
      spreadAny(from + place + stride, channels, columns, across, below)
      held = place
    }
    if (shares === 0) mix(top, below, load<u32>(rows, 4), across << 2, to)
    else {
      mix(top, below, load<u32>(rows, 4), across << 2, mixed)
      cover(mixed, shares, across, to)
      shares += across
    }
  }
}

/** One loop for each number of channels, without asking for it at each pixel. */
function spreadAny(from: usize, channels: i32, places: usize, across: i32, to: usize): void {
  if (channels === 1) spread(from, 1, places, across, to)
  else if (channels === 3) spread(from, 3, places, across, to)
  else spread(from, 4, places, across, to)
}
