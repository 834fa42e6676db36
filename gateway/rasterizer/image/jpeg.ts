import { GatewayError } from '../../errors.ts'
import { hasPrefix, simplifyExif } from './exif.ts'
import { assertDecodable, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import type { ImageLimits } from './memory.ts'
import { MAX_PROFILE_BYTES } from './metadata-limits.ts'
import { openWithSharp } from './sharp.ts'

// Markers of ITU-T T.81, annex B; https://www.w3.org/Graphics/JPEG/itu-t81.pdf
const START_OF_IMAGE = 0xffd8
const START_OF_SCAN = 0xda
const END_OF_IMAGE = 0xd9
const RESTARTS = [0xd0, 0xd7] as const
const APP0 = 0xe0
const APP1 = 0xe1
const APP2 = 0xe2
const APP14 = 0xee
const APP15 = 0xef
const COMMENT = 0xfe
/** SOF0 to SOF15 without DHT, JPG and DAC. */
const FRAMES = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]
const PROGRESSIVE = [0xc2, 0xc6, 0xca, 0xce]

/** libjpeg keeps a coefficient in two bytes. */
const BYTES_PER_COEFFICIENT = 2

const PREFIX_OF_PROFILE = Buffer.from('ICC_PROFILE\0')

/** A scan takes its time for each pixel, even one that says nothing: real ones have 10, and 20 where they were squeezed. */
const MAX_SCANNED_PIXELS = 6e9

/** Opens a JPEG. libjpeg hands on rows, but holds an image of several scans as a whole. */
export async function openJpeg(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  const outline = reduceJpeg(bytes)
  if (outline === null) throw unreadableImage(new Error('a JPEG without a frame'))
  const { width, height, scans } = outline
  assertDecodable(width, height, limits.maxImagePixels)
  if (scans * width * height > MAX_SCANNED_PIXELS) throw tooManyScans(outline)
  return openWithSharp(bytes, limits, () => ({ held: outline.held, remedy: NOT_PROGRESSIVE }))
}

const NOT_PROGRESSIVE = 'Send it at a lower resolution, or as a JPEG that is not progressive.'

function tooManyScans({ width, height, scans }: JpegOutline): GatewayError {
  const message = `The JPEG goes over its ${width} × ${height} pixels ${scans} times. ${NOT_PROGRESSIVE}`
  return new GatewayError('page_too_large', message)
}

/** What a JPEG's markers say of the work that decoding it takes. */
export interface JpegOutline {
  readonly width: number
  readonly height: number
  /** How often its decoder goes over the whole image. */
  readonly scans: number
  /** What the decoder keeps of the whole image, for each pixel: the coefficients where there are several scans. */
  readonly held: number
}

/**
 * Takes everything out of a JPEG, in place, that cannot change its pixels: previews, gain maps, and what programs wrote
 * for themselves. Segments that shall not be read become ones that no decoder reads. Returns what the rest says; null where it is no JPEG.
 */
export function reduceJpeg(bytes: Uint8Array<ArrayBuffer>): JpegOutline | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== START_OF_IMAGE) return null
  const kept: Kept = { hasExif: false, profile: [] }
  let frame: Frame | null = null
  let scans = 0
  for (let at = nextMarker(bytes, 2); at + 4 <= bytes.length;) {
    const marker = bytes[at + 1]!
    if (marker === END_OF_IMAGE) break
    const end = at + 2 + view.getUint16(at + 2)
    const content = bytes.subarray(at + 4, end)
    if (isApplication(marker) || marker === COMMENT) {
      if (!isEssential(marker, content, kept)) hide(bytes, at)
      else if (marker === APP2) kept.profile.push({ at, length: content.length })
    } else if (FRAMES.includes(marker)) frame ??= readFrame(marker, content)
    else if (marker === START_OF_SCAN) {
      scans++
      // All components at once, one time over: the rest is as large as the file and of no interest.
      if (frame === null || (!frame.isProgressive && content[0] === frame.components)) break
    }
    at = nextMarker(bytes, Math.max(end, at + 2))
  }
  if (kept.profile.reduce((sum, { length }) => sum + length, 0) > MAX_PROFILE_BYTES)
    for (const { at } of kept.profile) hide(bytes, at)
  if (frame === null) return null
  const keepsAll = frame.isProgressive || scans > 1
  const { width, height } = frame
  return { width, height, scans, held: keepsAll ? BYTES_PER_COEFFICIENT * frame.samplesPerPixel : 0 }
}

interface Kept {
  hasExif: boolean
  /** The segments of a colour profile. */
  readonly profile: { readonly at: number; readonly length: number }[]
}

function hide(bytes: Uint8Array, at: number): void {
  bytes[at + 1] = APP15
}

interface Frame {
  readonly width: number
  readonly height: number
  readonly components: number
  readonly samplesPerPixel: number
  readonly isProgressive: boolean
}

/** Returns where the next marker is, behind a scan's data or padding; the end where there is none. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1]!
    // A zero makes 0xff a byte of the data.
    if (code !== 0 && code !== 0xff && !(code >= RESTARTS[0] && code <= RESTARTS[1])) return at
  }
  return bytes.length
}

function isApplication(marker: number): boolean {
  return marker >= APP0 && marker <= APP15
}

/** Whether a segment can change how the image looks. */
function isEssential(marker: number, content: Uint8Array, kept: Kept): boolean {
  // JFIF and Adobe say how colours are coded.
  if (marker === APP0 || marker === APP14) return true
  if (marker === APP2) return PREFIX_OF_PROFILE.equals(content.subarray(0, PREFIX_OF_PROFILE.length))
  if (marker !== APP1 || kept.hasExif || !hasPrefix(content)) return false
  kept.hasExif = true
  return simplifyExif(content.subarray(6))
}

function readFrame(marker: number, content: Uint8Array): Frame | null {
  const components = content[5] ?? 0
  if (content.length < 6 + 3 * components) return null
  const factors = Array.from({ length: components }, (_, index) => {
    const factor = content[7 + 3 * index]!
    return { across: Math.max(1, factor >> 4), down: Math.max(1, factor & 15) }
  })
  const [across, down] = [Math.max(1, ...factors.map((of) => of.across)), Math.max(1, ...factors.map((of) => of.down))]
  const samplesPerPixel = factors.reduce((sum, of) => sum + (of.across * of.down) / (across * down), 0)
  const [height, width] = [content[1]! * 256 + content[2]!, content[3]! * 256 + content[4]!]
  return { width, height, components, samplesPerPixel, isProgressive: PROGRESSIVE.includes(marker) }
}
