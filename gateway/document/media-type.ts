import { GatewayError } from '../errors.ts'
import { sniffMediaType } from '../rasterizer/media-type.ts'
import type { DrawnMediaType } from '../rasterizer/media-type.ts'
import { describeText } from './describe-text.ts'
import type { SourceFacts } from './source.ts'

const ACCEPTED = 'PDF, PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, HEIC or JPEG 2000'

/**
 * Returns the media type of a source's bytes, one that the gateway opens. Throws `document_empty`, and what `notRead`
 * returns. What the client declares never decides the type.
 */
export function acceptedMediaType(bytes: Uint8Array, source: SourceFacts): DrawnMediaType {
  const { param } = source
  if (bytes.length === 0) throw new GatewayError('document_empty', 'The document has no bytes.', { param })
  const mediaType = sniffMediaType(bytes)
  if (mediaType === null) throw notRead(bytes, source)
  return mediaType
}

/**
 * Returns the error of bytes that the gateway cannot open: `document_unreadable` when the client calls them a PDF, and
 * `unsupported_media_type` otherwise. `couldBeRead`: with a Gotenberg.
 */
export function notRead(bytes: Uint8Array, source: SourceFacts, couldBeRead = false): GatewayError {
  const { param } = source
  const looksLike = describeBytes(bytes, source.filename)
  const hint = !couldBeRead ? '' : ' Or have the operator set GATEWAY_GOTENBERG_URL: then it is converted first.'
  if (isCalledPdf(source)) {
    const message = `The document is not a PDF: it looks like ${looksLike}.${hint}`
    return new GatewayError('document_unreadable', message, { param })
  }
  const message = `The document looks like ${looksLike}, which cannot be read. Send ${ACCEPTED}.${hint}`
  return new GatewayError('unsupported_media_type', message, { param })
}

function isCalledPdf({ declaredMediaType, filename }: SourceFacts): boolean {
  const declared = declaredMediaType?.split(';', 1)[0]?.trim().toLowerCase()
  if (declared === 'application/pdf' || declared === 'application/x-pdf') return true
  return filename?.toLowerCase().endsWith('.pdf') ?? false
}

/** Signatures at a fixed offset, most telling first. */
const SIGNATURES: readonly { offset: number; magic: string; name: string }[] = [
  { offset: 4, magic: 'ftyp', name: 'an MP4 or QuickTime file' },
  { offset: 0, magic: '\0\0\0\x0cJXL \r\n\x87\n', name: 'a JPEG XL image' },
  { offset: 0, magic: '\xff\x0a', name: 'a JPEG XL image' },
  { offset: 0, magic: '8BPS', name: 'a Photoshop image' },
  { offset: 0, magic: '\0\0\x01\0', name: 'an icon' },
  { offset: 0, magic: 'AT&TFORM', name: 'a DjVu document' },
  { offset: 0, magic: '%!PS', name: 'a PostScript document' },
  { offset: 0, magic: '{\\rtf', name: 'a rich-text document' },
  {
    offset: 0,
    magic: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    name: 'an old Office document (DOC, XLS, PPT) or an Outlook message (MSG)',
  },
  { offset: 0, magic: '7z\xbc\xaf\x27\x1c', name: 'a 7z archive' },
  { offset: 0, magic: 'Rar!\x1a\x07', name: 'a RAR archive' },
  { offset: 0, magic: '\x1f\x8b', name: 'a gzip archive' },
]

/** Names of entries that only one kind of ZIP container has. */
const ZIP_ENTRIES: readonly { entry: string; name: string }[] = [
  { entry: 'word/', name: 'a Word document (DOCX)' },
  { entry: 'xl/', name: 'an Excel workbook (XLSX)' },
  { entry: 'ppt/', name: 'a PowerPoint presentation (PPTX)' },
  { entry: 'application/epub+zip', name: 'an EPUB book' },
  { entry: 'application/vnd.oasis.opendocument', name: 'an OpenDocument file' },
  { entry: '[Content_Types].xml', name: 'an Office document (DOCX, XLSX or PPTX)' },
]

/** Says what bytes that the gateway cannot open look like, with an article: `a JPEG XL image`, `plain text`. */
export function describeBytes(bytes: Uint8Array, filename: string | null = null): string {
  const start = bytes.subarray(0, 4096)
  return describeSignature(start) ?? describeBase64(start) ?? describeText(start, filename) ?? 'unknown binary data'
}

function describeSignature(start: Uint8Array): string | null {
  const head = latin1(start)
  if (head.startsWith('PK\x03\x04') || head.startsWith('PK\x05\x06')) {
    return ZIP_ENTRIES.find(({ entry }) => head.includes(entry))?.name ?? 'a ZIP archive'
  }
  return SIGNATURES.find(({ offset, magic }) => head.startsWith(magic, offset))?.name ?? null
}

/** Only what decodes to a document is base64: the letters of any text without punctuation are those of base64, too. */
function describeBase64(start: Uint8Array): string | null {
  const text = latin1(start).trimStart()
  if (/^data:[\w.+/-]*[;,]/i.test(text)) return 'a data URL: decode it once more before sending'
  if (!/^[A-Za-z0-9+/_-][A-Za-z0-9+/_\s-]*=*\s*$/.test(text)) return null
  const decoded = Buffer.from(text.replaceAll(/\s/g, ''), 'base64')
  if (sniffMediaType(decoded) === null && describeSignature(decoded) === null) return null
  return 'base64 text: decode it once more before sending'
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
