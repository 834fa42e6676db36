import { simplifyExif } from './exif.ts'
import type { ImageFile } from './file.ts'
import { fits, HELD } from './memory.ts'
import type { ImageLimits } from './memory.ts'
import { MAX_EXIF_BYTES, MAX_PROFILE_BYTES } from './metadata-limits.ts'
import { openWithSharp } from './sharp.ts'

// Chunks of https://developers.google.com/speed/webp/docs/riff_container: a name, a length, and content padded to two.
const FIRST_CHUNK = 12
const CHUNK_HEADER = 8
/** Those that can change how the image looks, and their greatest lengths. */
const KEPT: ReadonlyMap<string, number> = new Map([
  ...['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF'].map((name) => [name, Infinity] as const),
  ['ICCP', MAX_PROFILE_BYTES],
  ['EXIF', MAX_EXIF_BYTES],
])
/** No decoder knows such a chunk, and all pass over it. */
const UNKNOWN = 'none'

/**
 * Opens a WebP; of a moving one, the first frame. libwebp decodes it as a whole, or reduces it row by row: that is not
 * how models' images were reduced, and left to those that are too large for the other.
 */
export async function openWebp(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  const names = reduceWebp(bytes)
  return openWithSharp(bytes, limits, ({ width, height, channels }) => {
    const isWhole = names.has('ANIM') || fits({ width, height, held: HELD.webp, passed: channels }, limits)
    if (isWhole) return { held: HELD.webp }
    return { held: names.has('VP8L') ? HELD.losslessWebpReduced : HELD.webpReduced, shrinksOnLoad: true }
  })
}

/**
 * Takes everything out of a WebP, in place, that cannot change its pixels: chunks that shall not be read get a name that
 * nobody knows. Returns the names of the others.
 */
function reduceWebp(bytes: Uint8Array<ArrayBuffer>): ReadonlySet<string> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const names = new Set<string>()
  for (let at = FIRST_CHUNK; at + CHUNK_HEADER <= whole.length;) {
    const name = whole.toString('latin1', at, at + 4)
    const length = whole.readUInt32LE(at + 4)
    const content = whole.subarray(at + CHUNK_HEADER, at + CHUNK_HEADER + length)
    const isKept = length <= (KEPT.get(name) ?? -1) && (name !== 'EXIF' || simplifyExif(content))
    if (isKept) names.add(name)
    else whole.write(UNKNOWN, at, 'latin1')
    at += CHUNK_HEADER + length + (length % 2)
  }
  return names
}
