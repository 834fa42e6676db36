import { plainName } from '../../page/plain-name.ts'
import { type EmbeddedFile, type FactLimits, MAX_FILE_NAME_LENGTH, MAX_FILES } from '../document-facts.ts'
import type { PdfiumDocument } from './document.ts'
import type { Pdfium } from './module.ts'

/** Unpacks the files within a PDF, as many and as large as the limits allow; the others have a name alone. */
export function readFiles({ pdfium, handle }: PdfiumDocument, { maxFileBytes }: FactLimits): EmbeddedFile[] {
  const { library } = pdfium
  const count = library.FPDFDoc_GetAttachmentCount(handle)
  let left = maxFileBytes
  const files = Array.from({ length: Math.min(count, MAX_FILES) }, (_, index): EmbeddedFile => {
    const unnamed = `file ${index + 1}`
    if (pdfium.isBroken) return { name: unnamed, bytes: null, problem: 'damaged' }
    let name = unnamed
    try {
      const attachment = library.FPDFDoc_GetAttachment(handle, index)
      const write = (address: number, size: number) => library.FPDFAttachment_GetName(attachment, address, size)
      const given = readText(pdfium, write, 4 * MAX_FILE_NAME_LENGTH) ?? ''
      name = plainName(given.replace(/^.*[/\\]/s, ''), MAX_FILE_NAME_LENGTH) ?? unnamed
      const bytes = readFile(pdfium, attachment, left)
      if (!(bytes instanceof Uint8Array)) return { name, bytes: null, problem: bytes }
      left -= bytes.length
      return { name, bytes, problem: null }
    } catch {
      // PDFium ran out of its memory: the file is a bomb. The pages are drawn by a new instance.
      pdfium.isBroken = true
      return { name, bytes: null, problem: 'too_large' }
    }
  })
  if (count <= MAX_FILES) return files
  return [...files, { name: `${count - MAX_FILES} more files`, bytes: null, problem: 'too_large' }]
}

function readFile(
  pdfium: Pdfium,
  attachment: number,
  maxBytes: number,
): Uint8Array<ArrayBuffer> | 'too_large' | 'damaged' {
  const { library } = pdfium
  using length = pdfium.allocate(4)
  const read = (address: number, size: number): number | null => {
    const isRead = library.FPDFAttachment_GetFile(attachment, address, size, length.address)
    return isRead ? (pdfium.integers(length.address, 1)[0] ?? 0) >>> 0 : null
  }
  const size = read(0, 0)
  if (size === null || size === 0) return 'damaged'
  if (size > maxBytes) return 'too_large'
  using room = pdfium.allocate(size)
  return read(room.address, size) === size ? pdfium.bytes(room.address, size).slice() : 'damaged'
}

/** Reads UTF-16 that PDFium writes with a terminator; it says how many bytes that takes. Null for nothing. */
export function readText(
  pdfium: Pdfium,
  write: (address: number, size: number) => number,
  maxLength: number,
): string | null {
  const size = write(0, 0)
  if (size < 2) return null
  using room = pdfium.allocate(size)
  write(room.address, size)
  return Buffer.from(pdfium.bytes(room.address, Math.min(size - 2, 2 * maxLength))).toString('utf16le')
}
