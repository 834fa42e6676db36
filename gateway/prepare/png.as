// Compresses the rows of a PNG, in AssemblyScript with SIMD. `npm run wasm` compiles it to png.wasm, and png.ts calls that
// and says where everything lies. Rows are read and written up to 16 bytes at a time.
//
// Each row is stored as its difference from the one above (the filter "Up"). Runs of zeros become repetitions of the byte
// before. In colour, differences of a pixel that are where they last were are repeated, too: mostly all three are alike,
// as light and shade change and hues do not.

const UP: u8 = 2
/** What Adler-32 counts modulo, and how many bytes may be added before. */
const ADLER: u32 = 65521
const MAX_SUMMED: i32 = 5552 & ~15
/** The longest repetition. */
const LONGEST: i32 = 258
const SHORTEST: i32 = 3
const REPETITIONS: u32 = 256
/** Where the distances' codes and counts are, behind those of bytes and of repetitions by their length. */
const DISTANCES: u32 = 515
/** How far back RFC 1951 lets one look. */
const WINDOW: i32 = 32768
/** Of where the differences of a pixel last were: so many, by their hash. */
const PLACES: usize = 4096
const PLACE_BITS: u32 = 12

/** Bits that are not written yet, from the lowest on, and how many: fewer than 8 between calls. */
let bits: u64 = 0
let pending: u64 = 0
let sum: u32 = 1
let sumOfSums: u32 = 0

/** Begins a stream after so many bits. */
export function begin(first: u32, count: u32): void {
  bits = first
  pending = count
  sum = 1
  sumOfSums = 0
}

/** Writes the last code, which has its bits in the lower 24 and their number above, and the checksum; returns how many bytes. */
export function finish(code: u32, to: usize): i32 {
  store<u64>(to, bits | (<u64>(code & 0xffffff) << pending))
  const length = (pending + (code >> 24) + 7) >> 3
  store<u32>(to + <usize>length, bswap<u32>((sumOfSums << 16) | sum))
  return <i32>length + 4
}

/** Writes rows as the number of their filter and their differences from the ones above; returns how many bytes. */
function filter(from: usize, rowBytes: i32, rows: i32, to: usize): i32 {
  const start = to
  for (let row = 0; row < rows; row++, from += rowBytes, to += 1 + rowBytes) {
    store<u8>(to, UP)
    for (let x = 0; x < rowBytes; x += 16)
      v128.store(to + x, i8x16.sub(v128.load(from + rowBytes + x), v128.load(from + x)), 1)
  }
  return <i32>(to - start)
}

function addToChecksum(from: usize, length: i32): void {
  const last = from + length
  while (from < last) {
    const end = min(last, from + MAX_SUMMED)
    let ones = i32x4.splat(0)
    let sums = ones
    let weighed = ones
    const start = from
    for (; from + 16 <= end; from += 16) {
      const bytes = v128.load(from)
      // What was added before counts once more for each of the next 16 bytes.
      sums = i32x4.add(sums, ones)
      ones = i32x4.add(ones, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)))
      const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), i16x8(16, 15, 14, 13, 12, 11, 10, 9))
      const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), i16x8(8, 7, 6, 5, 4, 3, 2, 1))
      weighed = i32x4.add(weighed, i32x4.add(low, high))
    }
    sumOfSums = (sumOfSums + sum * <u32>(from - start) + 16 * added(sums) + added(weighed)) % ADLER
    sum += added(ones)
    for (; from < end; from++) {
      sum += load<u8>(from)
      sumOfSums += sum
    }
    sum %= ADLER
    sumOfSums %= ADLER
  }
}

// @ts-ignore: decorator
@inline
function added(v: v128): u32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
}

/** Returns how many zeros there are, up to the end. */
// @ts-ignore: decorator
@inline
function zerosAt(from: usize, end: usize): i32 {
  let at = from
  for (; at + 16 <= end; at += 16) {
    const other = i8x16.bitmask(i8x16.ne(v128.load(at), i8x16.splat(0)))
    if (other !== 0) return <i32>(at - from) + ctz(other)
  }
  while (at < end && load<u8>(at) === 0) at++
  return <i32>(at - from)
}

let table: usize = 0
let output: usize = 0

/** Counts a symbol. */
// @ts-ignore: decorator
@inline
function count(symbol: u32): void {
  const at = table + (<usize>symbol << 2)
  store<u32>(at, load<u32>(at) + 1)
}

/** Returns the code of a symbol: its bits in the lower 24, and their number above. */
// @ts-ignore: decorator
@inline
function codeOf(symbol: u32): u32 {
  return load<u32>(table + (<usize>symbol << 2))
}

/** Writes up to 56 bits. What is pending is in the memory of the module: the fewer calls, the better. */
// @ts-ignore: decorator
@inline
function write(more: u64, length: u64): void {
  const all = bits | (more << pending)
  const held = pending + length
  store<u64>(output, all)
  output += <usize>(held >> 3)
  bits = all >> (held & 56)
  pending = held & 7
}

// @ts-ignore: decorator
@inline
function put(isCount: bool, symbol: u32): void {
  if (isCount) return count(symbol)
  const code = codeOf(symbol)
  write(code & 0xffffff, code >> 24)
}

/** Repeats so many bytes from so far back. */
// @ts-ignore: decorator
@inline
function repeat(isCount: bool, length: i32, distance: i32): void {
  const before = <u32>(distance - 1)
  // RFC 1951, 3.2.5: the two highest bits are in the code, and the others follow.
  const extra = before < 2 ? 0 : 30 - clz(before)
  const symbol = DISTANCES + 2 * extra + (before >> extra)
  if (isCount) {
    count(REPETITIONS + length)
    count(symbol)
    return
  }
  const first = codeOf(REPETITIONS + length)
  const second = codeOf(symbol)
  const start = first >> 24
  const end = start + (second >> 24)
  const word = <u64>(second & 0xffffff) | (<u64>(before & ((1 << extra) - 1)) << (second >> 24))
  write(<u64>(first & 0xffffff) | (word << start), end + extra)
}

/** Writes a zero, and repeats it. */
function putZeros(isCount: bool, zeros: i32): void {
  put(isCount, 0)
  let left = zeros - 1
  for (; left >= LONGEST; left -= LONGEST) repeat(isCount, LONGEST, 1)
  if (left >= SHORTEST) repeat(isCount, left, 1)
  else for (; left > 0; left--) put(isCount, 0)
}

/** Writes three bytes, and a fourth where there is one. */
// @ts-ignore: decorator
@inline
function putBytes(isCount: bool, bytes: u32, hasFourth: bool): void {
  if (isCount) {
    count(bytes & 0xff)
    count((bytes >> 8) & 0xff)
    count((bytes >> 16) & 0xff)
    if (hasFourth) count(bytes >> 24)
    return
  }
  const a = codeOf(bytes & 0xff)
  const b = codeOf((bytes >> 8) & 0xff)
  const c = codeOf((bytes >> 16) & 0xff)
  const two = <u64>(a & 0xffffff) | (<u64>(b & 0xffffff) << (a >> 24))
  const ofTwo = (a >> 24) + (b >> 24)
  const three = two | (<u64>(c & 0xffffff) << ofTwo)
  const ofThree = ofTwo + (c >> 24)
  if (!hasFourth) return write(three, ofThree)
  const d = codeOf(bytes >> 24)
  write(three | (<u64>(d & 0xffffff) << ofThree), ofThree + (d >> 24))
}

// @ts-ignore: decorator
@inline
function putGray(isCount: bool, from: usize, end: usize): void {
  for (let at = from; at < end;) {
    const bytes = load<u64>(at)
    if (bytes !== 0 && at + 8 <= end) {
      putBytes(isCount, <u32>bytes, true)
      at += 4
      if (bytes >> 32 === 0) continue
      putBytes(isCount, <u32>(bytes >> 32), true)
      at += 4
      continue
    }
    const zeros = zerosAt(at, end)
    if (zeros >= 8) {
      putZeros(isCount, zeros)
      at += zeros
    } else {
      put(isCount, load<u8>(at++))
    }
  }
}

// @ts-ignore: decorator
@inline
function pixelAt(at: usize): u32 {
  return load<u32>(at) & 0xffffff
}

// @ts-ignore: decorator
@inline
function putRgb(isCount: bool, from: usize, end: usize, places: usize): void {
  for (let at = from; at < end;) {
    const pixel = pixelAt(at)
    if (pixel === 0) {
      const zeros = zerosAt(at, end) / 3 * 3
      if (zeros >= 6) {
        putZeros(isCount, zeros)
        at += zeros
        continue
      }
    }
    const place = places + (<usize>((pixel * 0x9e3779b1) >> (32 - PLACE_BITS)) << 2)
    const last = <usize>load<u32>(place)
    store<u32>(place, <u32>at)
    const distance = <i32>(at - last)
    if (last !== 0 && distance <= WINDOW && pixelAt(last) === pixel) {
      let length = 3
      while (length + 3 <= LONGEST && at + length < end && pixelAt(last + length) === pixelAt(at + length)) length += 3
      repeat(isCount, length, distance)
      at += length
    } else {
      putBytes(isCount, pixel, false)
      at += 3
    }
  }
}

// @ts-ignore: decorator
@inline
function putRows(isCount: bool, channels: i32, rowBytes: i32, rows: i32, filtered: usize, places: usize): void {
  memory.fill(places, 0, PLACES << 2)
  let at = filtered
  for (let row = 0; row < rows; row++, at += 1 + rowBytes) {
    put(isCount, UP)
    if (channels === 1) putGray(isCount, at + 1, at + 1 + rowBytes)
    else putRgb(isCount, at + 1, at + 1 + rowBytes, places)
  }
}

/**
 * Counts what rows will be written as. They lie one behind the other after the one that is above the first; `filtered` has
 * room for them, with a byte more in each, and `places` for 4096 numbers. `counts` has one for each byte, for each repetition
 * from 256 on, by its length, and for each code of a distance from 515 on.
 */
export function countRows(
  from: usize,
  channels: i32,
  rowBytes: i32,
  rows: i32,
  filtered: usize,
  places: usize,
  counts: usize,
): void {
  filter(from, rowBytes, rows, filtered)
  table = counts
  putRows(true, channels, rowBytes, rows, filtered, places)
}

/** Writes rows with codes, which are as the counts were, and returns how many bytes that makes. */
export function packRows(
  from: usize,
  channels: i32,
  rowBytes: i32,
  rows: i32,
  filtered: usize,
  places: usize,
  codes: usize,
  to: usize,
): i32 {
  addToChecksum(filtered, filter(from, rowBytes, rows, filtered))
  table = codes
  output = to
  putRows(false, channels, rowBytes, rows, filtered, places)
  return <i32>(output - to)
}
