import { crc32, deflateSync } from 'node:zlib'
import { codeLengths, type CodeWord, codeWords } from './huffman.ts'
import { instances, layOut, withMemory } from './module-memory.ts'

/** Pixels of 8 bits per channel: gray or RGB. */
interface Pixels {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
}

/** What `png.as` exports; every address is a number of bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly begin: (first: number, count: number) => void
  readonly finish: (code: number, to: number) => number
  readonly countRows: (
    from: number,
    channels: number,
    rowBytes: number,
    rows: number,
    filtered: number,
    places: number,
    counts: number,
  ) => void
  readonly packRows: (
    from: number,
    channels: number,
    rowBytes: number,
    rows: number,
    filtered: number,
    places: number,
    codes: number,
    to: number,
  ) => number
}

/** As in png.as: numbers of places where differences of pixels are looked for. */
const PLACES = 4096

const fresh = instances(new URL('png.wasm', import.meta.url)) as unknown as () => Exports
let held: Exports | null = null

/** Rows are packed in parts that stay in the processor's cache, in bytes. */
const PART = 2 ** 18
/** Of so many rows, the first ones tell how often each byte and each repetition occurs; of a small image all. */
const SAMPLED_OF = 96
const SAMPLED = 12
const MIN_SAMPLED_HEIGHT = 400

/** As in png.as: four codes of bytes fit into 56 bits. */
const MAX_CODE_LENGTH = 14
/** RFC 1951, 3.2.5: the code for the end, and the first lengths that the following codes stand for. */
const END = 256
// prettier-ignore
const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const LONGEST = 258
const DISTANCES = 30
/** What is counted, and has a code then: bytes, repetitions by their length, distances; as in png.as. */
const COUNTED = END + LONGEST + 1 + DISTANCES
/** The most that 3 bytes become, in bytes: repeated, a length of 14 and 5 bits and a distance of 14 and 13. */
const MAX_PACKED = 6
/** 3.2.7: the order in which the lengths of the codes for lengths of codes are written, and how long these may be. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const MAX_LENGTH_CODE = 7

/**
 * Encodes pixels as a PNG. It suits scans, and whatever has colour: no two letters of a scan are alike to the pixel, so that
 * zlib searches most of its time for what is not there.
 */
export function encodePng(image: Pixels): Uint8Array<ArrayBuffer> {
  return pngOf(image, deflated(image))
}

/**
 * Encodes gray pixels as a PNG whose rows zlib packs as they are. It suits small pages of text, whose letters come again to the pixel: a
 * library makes threads wait for each other, which takes longer than to pack half a million pixels.
 */
export function encodeSmallPng(pixels: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  // Each row begins with the number of its filter, 0: none.
  const rows = new Uint8Array((1 + width) * height)
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (1 + width) + 1)
  return pngOf({ width, height, channels: 1 }, [deflateSync(rows, { level: LEVEL, memLevel: MEMORY })])
}

/** Of zlib: levels above 1 make these a hundredth smaller; 9 is the most memory, 256 KB. */
const [LEVEL, MEMORY] = [1, 9]

function pngOf({ width, height, channels }: Omit<Pixels, 'pixels'>, packed: readonly Uint8Array[]) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8)
  const pieces = [SIGNATURE, ...chunk('IHDR', [header]), ...chunk('IDAT', packed), ...chunk('IEND', [])]
  const file = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    file.set(piece, at)
    at += piece.length
  }
  return file
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

function chunk(type: string, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(pieces.reduce((length, piece) => length + piece.length, 0))
  head.write(type, 4, 'latin1')
  const tail = Buffer.alloc(4)
  tail.writeUInt32BE(pieces.reduce((sum, piece) => crc32(piece, sum), crc32(head.subarray(4))))
  return [head, ...pieces, tail]
}

/** Returns the rows as a stream of zlib's, in pieces. */
function deflated({ pixels, width, height, channels }: Pixels): readonly Uint8Array[] {
  const rowBytes = width * channels
  const partRows = Math.max(SAMPLED, Math.min(height, Math.floor(PART / rowBytes)))
  const filteredBytes = partRows * (1 + rowBytes)
  const { addresses, bytes } = layOut(
    4 * COUNTED,
    4 * PLACES,
    (partRows + 1) * rowBytes,
    filteredBytes,
    Math.ceil(filteredBytes / 3) * MAX_PACKED,
  )
  const [table, places, rows, filtered, out] = addresses as [number, number, number, number, number]
  const module = (held = withMemory(held, fresh, bytes))
  const memory = new Uint8Array(module.memory.buffer)
  const numbers = new Uint32Array(module.memory.buffer, table, COUNTED)
  /** Puts rows behind the one that is above them; above the first, all is zero. */
  const put = (y: number, count: number) => {
    memory.fill(0, rows, rows + rowBytes)
    const from = Math.max(0, y - 1)
    memory.set(pixels.subarray(from * rowBytes, (y + count) * rowBytes), y === 0 ? rows + rowBytes : rows)
  }

  numbers.fill(0)
  const step = height < MIN_SAMPLED_HEIGHT ? SAMPLED : SAMPLED_OF
  for (let y = 0; y < height; y += step) {
    const count = Math.min(SAMPLED, height - y)
    put(y, count)
    module.countRows(rows, channels, rowBytes, count, filtered, places, table)
  }
  const { codes, end, head } = codesFor(numbers)
  numbers.set(codes)
  module.begin(head.bits, head.length)
  const pieces = [head.bytes]
  for (let y = 0; y < height; y += partRows) {
    const count = Math.min(partRows, height - y)
    put(y, count)
    const length = module.packRows(rows, channels, rowBytes, count, filtered, places, table, out)
    pieces.push(memory.slice(out, out + length))
  }
  return [...pieces, memory.slice(out, out + module.finish(end, out))]
}

/** The codes of a stream as png.as takes them, and how the stream begins: whole bytes, and bits that follow. */
interface Codes {
  /** For each byte, each repetition and each distance. */
  readonly codes: readonly number[]
  readonly end: number
  readonly head: { readonly bytes: Uint8Array; readonly bits: number; readonly length: number }
}

/** Makes codes for what was counted, and for everything else that may come. */
function codesFor(counts: Uint32Array): Codes {
  const repetitions = counts.subarray(END + LENGTHS[0]!, END + LONGEST + 1)
  const symbols = Array.from({ length: FIRST_LENGTH + LENGTHS.length }, (_, at) => 1 + (at < END ? counts[at]! : 0))
  for (const [at, count] of repetitions.entries()) symbols[FIRST_LENGTH + lengthIndex(LENGTHS[0]! + at)]! += count
  const lengths = codeLengths(symbols, MAX_CODE_LENGTH)
  const distances = codeLengths(
    Array.from(counts.subarray(-DISTANCES), (count) => count + 1),
    MAX_CODE_LENGTH,
  )
  const words = codeWords(lengths)
  const codes = [
    ...words.slice(0, END),
    ...Array.from({ length: LENGTHS[0]! }, () => NO_WORD),
    ...Array.from(repetitions, (_, at) => repetition(words, LENGTHS[0]! + at)),
    ...codeWords(distances),
  ]
  return { codes: codes.map(packed), end: packed(words[END]!), head: headOf(lengths, distances) }
}

const NO_WORD: CodeWord = { bits: 0, length: 0 }
/** The first of the codes for lengths. */
const FIRST_LENGTH = 257

function lengthIndex(length: number): number {
  return LENGTHS.findLastIndex((first) => first <= length)
}

/** The code of a length, and the bits that tell which of those it stands for. */
function repetition(words: readonly CodeWord[], repeated: number): CodeWord {
  const index = lengthIndex(repeated)
  const { bits, length } = words[FIRST_LENGTH + index]!
  const extra = index < 8 || repeated === LONGEST ? 0 : (index - 4) >> 2
  return { bits: bits | ((repeated - LENGTHS[index]!) << length), length: length + extra }
}

const packed = ({ bits, length }: CodeWord): number => length * 2 ** 24 + bits

/** Writes the head of a stream with a single block, 3.2.7, and that of zlib. */
function headOf(lengths: readonly number[], distances: readonly number[]): Codes['head'] {
  const all = [...lengths, ...distances]
  const counts = ORDER.map((_, length) => all.filter((one) => one === length).length)
  const lengthCodes = codeLengths(counts, MAX_LENGTH_CODE)
  const words = codeWords(lengthCodes)
  return asBits([
    { bits: 0x0178, length: 16 },
    // The last block, with codes of its own; how many there are of bytes and lengths, of distances and of lengths of codes.
    { bits: 1, length: 1 },
    { bits: 2, length: 2 },
    { bits: lengths.length - FIRST_LENGTH, length: 5 },
    { bits: distances.length - 1, length: 5 },
    { bits: ORDER.length - 4, length: 4 },
    ...ORDER.map((length) => ({ bits: lengthCodes[length]!, length: 3 })),
    ...all.map((length) => words[length]!),
  ])
}

function asBits(words: readonly CodeWord[]): Codes['head'] {
  const bytes: number[] = []
  let [bits, length] = [0, 0]
  for (const word of words) {
    bits |= word.bits << length
    length += word.length
    for (; length >= 8; length -= 8, bits >>>= 8) bytes.push(bits & 0xff)
  }
  return { bytes: Uint8Array.from(bytes), bits, length }
}
