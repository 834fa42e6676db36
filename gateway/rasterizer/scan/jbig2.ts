import type { TargetSize } from '../../page/target-size.ts'
import type { Region } from './bilevel.ts'

/** Types of segments: ITU-T T.88, 7.3. */
const PAGE_INFORMATION = 48
const END_OF_PAGE = 49
const END_OF_FILE = 51
const GENERIC_REGIONS = [38, 39]

const HEADER_BYTES = 11
const PAGE_BYTES = 19
/** A region's size, place and how it is combined with the page; its flags; four adaptive pixels. */
const REGION_BYTES = 17 + 1 + 8
/** OR, XOR and REPLACE: the same on a page that is white. */
const COMBINED_AS_IT_IS = [0, 2, 4]
const WHITE_PAGE = 0
const TYPICAL_ROWS = 0b1000
/** Template 0, arithmetic coding, no further adaptive pixels. */
const KNOWN_FLAGS = [0, TYPICAL_ROWS]
/** What ends the code: T.88, E.2.9. Without it, decoders take what follows for a part of it. */
const MARKER = Buffer.from([0xff, 0xac])
/** No code begins with as much; decoders differ in what they make of it. */
const BEYOND = 0xff80
/** The places that T.88, figure 8, gives them. */
const ADAPTIVE_PIXELS = Buffer.from([3, -1, -3, -1, 2, -2, -2, -2])

/**
 * Returns the generic region that an image behind `JBIG2Decode` consists of, as most encoders of scans write it; null for
 * anything else: text and symbols, halftones, several regions, another template.
 */
export function readJbig2(content: Uint8Array, { width, height }: TargetSize): Omit<Region, 'isLightOnDark'> | null {
  let region: Omit<Region, 'isLightOnDark'> | null = null
  let hasPage = false
  for (const segment of segmentsOf(content)) {
    if (segment === null) return null
    const { type, data } = segment
    if (type === END_OF_PAGE || type === END_OF_FILE) break
    if (type === PAGE_INFORMATION && !hasPage && isPage(data, { width, height })) {
      hasPage = true
      continue
    }
    if (!hasPage || region !== null || !GENERIC_REGIONS.includes(type) || !isWhole(data, { width, height })) return null
    region = { width, height, data: data.subarray(REGION_BYTES), hasTypicalRows: data[17] === TYPICAL_ROWS }
  }
  return region
}

interface Segment {
  readonly type: number
  readonly data: Buffer
}

/** Returns the segments of a stream; null for one that refers to others, or has no length, or is not there as a whole. */
function* segmentsOf(content: Uint8Array): Generator<Segment | null> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length)
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const [flags = 0, references = 0] = [bytes[at + 4], bytes[at + 5]]
    const isPlain = references >> 5 === 0 && (flags & 0x40) === 0
    const start = at + HEADER_BYTES
    const end = start + bytes.readUInt32BE(at + 7)
    if (!isPlain || end > bytes.length) {
      yield null
      return
    }
    yield { type: flags & 0x3f, data: bytes.subarray(start, end) }
    at = end
  }
}

function isPage(data: Buffer, size: TargetSize): boolean {
  return data.length === PAGE_BYTES && isOfSize(data, size) && (data[16]! & 0b100) === WHITE_PAGE
}

/** Whether a region covers the page, and is coded as the decoder knows it. */
function isWhole(data: Buffer, size: TargetSize): boolean {
  return (
    data.length >= REGION_BYTES + MARKER.length &&
    isOfSize(data, size) &&
    data.readUInt32BE(8) === 0 &&
    data.readUInt32BE(12) === 0 &&
    COMBINED_AS_IT_IS.includes(data[16]!) &&
    KNOWN_FLAGS.includes(data[17]!) &&
    data.readUInt16BE(REGION_BYTES) < BEYOND &&
    data.subarray(-2).equals(MARKER) &&
    data.subarray(18, REGION_BYTES).equals(ADAPTIVE_PIXELS)
  )
}

function isOfSize(data: Buffer, { width, height }: TargetSize): boolean {
  return data.readUInt32BE(0) === width && data.readUInt32BE(4) === height
}
