import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { sniffMediaType } from '../rasterizer/media-type.ts'

/** How the formats that the gateway opens are called. */
const ENDINGS = new Set(
  'pdf png jpg jpeg jpe jfif webp gif bmp dib tif tiff avif heic heif jp2 j2k j2c jpc jpf jpx'.split(' '),
)

/** How the formats are called that are read with a Gotenberg. */
const OFFICE_ENDINGS = new Set(
  'docx docm dotx dotm doc dot odt ott odm rtf xlsx xlsm xlsb xltx xltm xls ods ots pptx pptm ppsx potx ppt pps odp otp odg otg vsdx vsd epub html htm xhtml eml'.split(
    ' ',
  ),
)

const HEAD_BYTES = 1100

/**
 * Tells whether a file of a folder is a document: by its ending, so that a broken one is said to be broken; of other
 * endings, by how its bytes begin. Office documents and HTML are documents where `hasOffice`.
 */
export async function isDocument(path: string, hasOffice: boolean): Promise<boolean> {
  const ending = extname(path).slice(1).toLowerCase()
  if (ENDINGS.has(ending) || (hasOffice && OFFICE_ENDINGS.has(ending))) return true
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const head = buffer.subarray(0, bytesRead)
    const mediaType = sniffMediaType(head)
    // A text about PDFs may hold their header.
    return mediaType === 'application/pdf' ? head.toString('latin1').startsWith('%PDF-') : mediaType !== null
  } finally {
    await handle.close()
  }
}
