// EXIF is a TIFF directory: CIPA DC-008, 4.6. Of all its tags only one changes how an image looks.
const ORIENTATION = 0x0112
const SHORT = 3
const PREFIX = 'Exif\0\0'

/** Bytes of an EXIF block that says nothing but an orientation; of which the last four may be missing. */
const PLAIN_LENGTH = 26
const PLAIN_LENGTH_AT_LEAST = 22

/**
 * Makes an EXIF block, in place, say nothing but its orientation: libexif reads directories that lead back to each other
 * for 12 s. Returns false, and leaves it, when it has no room for that.
 */
export function simplifyExif(exif: Uint8Array): boolean {
  if (exif.length < PLAIN_LENGTH_AT_LEAST) return false
  const plain = plainExif(readOrientation(exif))
  exif.fill(0).set(plain.subarray(0, exif.length))
  return true
}

/** Returns the orientation, 1 to 8, that an EXIF block gives; 1 where it gives none. */
function readOrientation(exif: Uint8Array): number {
  const start = hasPrefix(exif) ? PREFIX.length : 0
  const view = new DataView(exif.buffer, exif.byteOffset + start, Math.max(0, exif.byteLength - start))
  if (view.byteLength < 8) return 1
  const isLittle = view.getUint16(0) === 0x4949
  const directory = view.getUint32(4, isLittle)
  if (directory + 2 > view.byteLength) return 1
  const count = view.getUint16(directory, isLittle)
  for (let at = directory + 2; at < directory + 2 + count * 12 && at + 12 <= view.byteLength; at += 12) {
    if (view.getUint16(at, isLittle) !== ORIENTATION || view.getUint16(at + 2, isLittle) !== SHORT) continue
    const value = view.getUint16(at + 8, isLittle)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}

/** Whether an EXIF block begins with the six bytes that JPEG asks for; some writers put them into other formats, too. */
export function hasPrefix(exif: Uint8Array): boolean {
  return Buffer.from(exif.buffer, exif.byteOffset, Math.min(PREFIX.length, exif.length)).equals(Buffer.from(PREFIX))
}

function plainExif(orientation: number): Buffer {
  const exif = Buffer.alloc(PLAIN_LENGTH)
  exif.write('MM\0*', 'latin1')
  exif.writeUInt32BE(8, 4)
  exif.writeUInt16BE(1, 8)
  exif.writeUInt16BE(ORIENTATION, 10)
  exif.writeUInt16BE(SHORT, 12)
  exif.writeUInt32BE(1, 14)
  exif.writeUInt16BE(orientation, 18)
  return exif
}
