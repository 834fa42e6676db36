// What is done to all pixels of a page that PDFium drew, 16 bytes at a time, where they lie in PDFium's memory. Pixels are
// blue, green, red and a byte that means nothing. `npm run wasm` compiles this to pixels.wasm, and pixels.ts calls that.

const BLUE = i32x4(0xff, 0xff, 0xff, 0xff)

/** Returns a bit for each byte of four pixels that differs between blue and green or between green and red. */
// @ts-ignore: decorator
@inline
function tints(four: v128): v128 {
  return v128.and(v128.xor(four, i32x4.shr_u(four, 8)), i32x4(0xffff, 0xffff, 0xffff, 0xffff))
}

/** Returns the bits in which four pixels differ from white. */
// @ts-ignore: decorator
@inline
function shades(four: v128): v128 {
  return v128.andnot(i32x4(0xffffff, 0xffffff, 0xffffff, 0xffffff), four)
}

/** Looks over the pixels from one address up to another: 0 all are white, 1 all are gray, 2 one has colour. */
export function look(at: usize, end: usize): i32 {
  const wide = at + ((end - at) & ~63)
  let shade = i32x4(0, 0, 0, 0)
  for (; at < wide; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    if (v128.any_true(v128.or(v128.or(tints(a), tints(b)), v128.or(tints(c), tints(d))))) return 2
    shade = v128.or(shade, shades(v128.and(v128.and(a, b), v128.and(c, d))))
  }
  for (; at < end; at += 4) {
    const one = v128.load32_splat(at)
    if (v128.any_true(tints(one))) return 2
    shade = v128.or(shade, shades(one))
  }
  return i32(v128.any_true(shade))
}

/** Makes 16 numbers of 32 bits, each below 256, one byte each. */
// @ts-ignore: decorator
@inline
function bytes(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d))
}

/** Makes gray pixels one byte each, in place. Reads and writes whole groups of 16 pixels. */
export function toGray(at: usize, end: usize): void {
  for (let to = at; at < end; at += 64, to += 16) {
    v128.store(to, bytes(blueOf(at), blueOf(at + 16), blueOf(at + 32), blueOf(at + 48)))
  }
}

// @ts-ignore: decorator
@inline
function blueOf(at: usize): v128 {
  return v128.and(v128.load(at), BLUE)
}

/** Makes pixels red, green and blue, in place. Reads and writes whole groups of 16 pixels. */
export function toRgb(at: usize, end: usize): void {
  for (let to = at; at < end; at += 64, to += 48) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    v128.store(to, v128.shuffle<u8>(a, b, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 18, 17, 16, 22))
    v128.store(to, v128.shuffle<u8>(b, c, 5, 4, 10, 9, 8, 14, 13, 12, 18, 17, 16, 22, 21, 20, 26, 25), 16)
    v128.store(to, v128.shuffle<u8>(c, d, 8, 14, 13, 12, 18, 17, 16, 22, 21, 20, 26, 25, 24, 30, 29, 28), 32)
  }
}

/** Returns how far four pixels are from the other's, each the largest of its three differences. */
// @ts-ignore: decorator
@inline
function apart(one: usize, other: usize): v128 {
  const a = v128.load(one)
  const b = v128.load(other)
  const by = i8x16.sub(i8x16.max_u(a, b), i8x16.min_u(a, b))
  return v128.and(i8x16.max_u(by, i8x16.max_u(i32x4.shr_u(by, 8), i32x4.shr_u(by, 16))), BLUE)
}

/**
 * Writes how far two drawings differ at each pixel, a byte each, over the first of them. Reads and writes whole groups of
 * 16 pixels.
 */
export function differences(one: usize, other: usize, end: usize): void {
  for (let to = one; one < end; one += 64, other += 64, to += 16) {
    v128.store(
      to,
      bytes(apart(one, other), apart(one + 16, other + 16), apart(one + 32, other + 32), apart(one + 48, other + 48)),
    )
  }
}
