/** The formats that drawers open. Mail is only taken apart: its text is HTML, which has yet to be converted. */
export type DocumentMediaType = DrawnMediaType | 'message/rfc822'

/** The formats that the gateway draws. */
export type DrawnMediaType =
  | 'application/pdf'
  | 'image/png'
  | 'image/jpeg'
  | 'image/webp'
  | 'image/gif'
  | 'image/bmp'
  | 'image/tiff'
  | 'image/avif'
  | 'image/heic'
  | 'image/jp2'

/** Readers look for the header within the first 1024 bytes: ISO 32000-1, Annex H, implementation note 13. */
const PDF_HEADER_WITHIN = 1024

/** Returns the media type that the bytes themselves show, or null when it is none that the gateway draws. */
export function sniffMediaType(bytes: Uint8Array): DrawnMediaType | null {
  const head = latin1(bytes, 0, PDF_HEADER_WITHIN + 5)
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'image/webp'
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'image/gif'
  if (TIFF_STARTS.some((start) => head.startsWith(start))) return 'image/tiff'
  if (JPEG_2000_STARTS.some((start) => head.startsWith(start))) return 'image/jp2'
  if (isBmp(head)) return 'image/bmp'
  return sniffHeif(head) ?? (head.includes('%PDF-') ? 'application/pdf' : null)
}

/** Either byte order, and BigTIFF in either. */
const TIFF_STARTS = ['II*\0', 'MM\0*', 'II+\0', 'MM\0+']

/** A JP2 file, and a bare codestream. */
const JPEG_2000_STARTS = ['\0\0\0\x0cjP  \r\n\x87\n', '\xff\x4f\xff\x51']

/** All lengths that a BMP's header can have. "BM" alone is no proof: texts begin with it too. */
const BMP_HEADER_LENGTHS = [12, 16, 40, 52, 56, 64, 108, 124]

function isBmp(head: string): boolean {
  return head.startsWith('BM') && BMP_HEADER_LENGTHS.some((length) => head.startsWith(uint32(length), 14))
}

function uint32(value: number): string {
  return String.fromCharCode(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
}

/** Brands of ISO/IEC 23008-12 and of AVIF; `mif1` and `msf1` do not say how the pixels are coded. */
const AVIF_BRANDS = ['avif', 'avis']
const HEIF_BRANDS = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'msf1']

function sniffHeif(head: string): DrawnMediaType | null {
  if (!head.startsWith('ftyp', 4)) return null
  const length = Buffer.from(head.slice(0, 4), 'latin1').readUInt32BE()
  // The brand, a version, and the brands that the file is compatible with: four letters each.
  const brands = head.slice(8, length).match(/[^]{4}/g) ?? []
  if (brands.some((brand) => AVIF_BRANDS.includes(brand))) return 'image/avif'
  return brands.some((brand) => HEIF_BRANDS.includes(brand)) ? 'image/heic' : null
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.slice(start, end)).toString('latin1')
}
