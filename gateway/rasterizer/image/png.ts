import { crc32, inflateSync } from 'node:zlib'
import { simplifyExif } from './exif.ts'
import type { ImageFile } from './file.ts'
import type { ImageLimits } from './memory.ts'
import { MAX_EXIF_BYTES, MAX_PROFILE_BYTES } from './metadata-limits.ts'
import { bytesPerPixel, openWithSharp } from './sharp.ts'

// Chunks of https://www.w3.org/TR/png-3/: a length, a name, the content and a check. The case of a name's first letter
// says whether an image can be shown without it.
const SIGNATURE_LENGTH = 8
const FRAME_LENGTH = 12

/** The most that a decoder makes of deflated bytes: https://zlib.net/zlib_tech.html */
const MAX_INFLATION = 1032

/** Those that can change how the image looks, and their greatest lengths. The rest is text, time and other programs' data. */
const KEPT: ReadonlyMap<string, number> = new Map([
  ['tRNS', 256],
  ['gAMA', 4],
  ['cHRM', 32],
  ['sRGB', 1],
  ['cICP', 4],
  ['sBIT', 4],
  ['bKGD', 6],
  ['pHYs', 9],
  ['iCCP', MAX_PROFILE_BYTES],
  ['eXIf', MAX_EXIF_BYTES],
])

/**
 * Returns a PNG of what decides its pixels, made in place: a decoder unpacks each text, of any length, and there may be
 * any number. Of each kind the first is kept. What is damaged stays as it is, for the decoder to refuse.
 */
function essentialPng(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seen = new Set<string>()
  let to = SIGNATURE_LENGTH
  let at = SIGNATURE_LENGTH
  while (at + FRAME_LENGTH <= bytes.length) {
    const length = view.getUint32(at)
    const end = at + FRAME_LENGTH + length
    if (end > bytes.length) break
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, 4).toString('latin1')
    const content = bytes.subarray(at + 8, end - 4)
    if (isEssential(name, content, seen)) {
      if (name === 'eXIf') view.setUint32(end - 4, crc32(bytes.subarray(at + 4, end - 4)))
      bytes.copyWithin(to, at, end)
      to += end - at
    }
    seen.add(name)
    at = end
    if (name === 'IEND') return bytes.subarray(0, to)
  }
  bytes.copyWithin(to, at)
  return bytes.subarray(0, to + bytes.length - at)
}

function isEssential(name: string, content: Uint8Array, seen: ReadonlySet<string>): boolean {
  if (name.charCodeAt(0) < 0x60) return true
  if (seen.has(name) || content.length > (KEPT.get(name) ?? -1)) return false
  if (name === 'eXIf') return simplifyExif(content)
  return name !== 'iCCP' || isSmallProfile(content)
}

/** Whether a colour profile, which is deflated, unpacks to no more than a profile may have. */
function isSmallProfile(content: Uint8Array): boolean {
  if (content.length * MAX_INFLATION < MAX_PROFILE_BYTES) return true
  try {
    // A name, which a zero ends, and a byte for the method.
    inflateSync(content.subarray(content.indexOf(0) + 2), { maxOutputLength: MAX_PROFILE_BYTES })
    return true
  } catch {
    return false
  }
}

/** Opens a PNG. libvips reads it row by row, but holds an interlaced one as a whole. */
export async function openPng(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  return openWithSharp(essentialPng(bytes), limits, (metadata) => ({
    held: metadata.isProgressive ? bytesPerPixel(metadata) : 0,
    remedy: 'Send it at a lower resolution, or as a PNG without interlacing.',
  }))
}
