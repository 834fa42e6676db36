import sharp from 'sharp'
import type { PageImage } from '../page/page.ts'
import { pixelBox, type Box } from '../page/box.ts'

const JPEG_QUALITY = 90
/** A picture whose PNG is larger is a photograph, or as good as one. In bytes. */
const MAX_PNG_BYTES = 1024 * 1024

/** A part of a page image, encoded. */
export interface CutBox {
  readonly bytes: Uint8Array
  readonly mediaType: PageImage['mediaType']
  readonly width: number
  readonly height: number
}

/** Cuts a part out of a page image: as a JPEG where that is wanted, or a PNG would be large; else as a PNG, which loses nothing. */
export async function cutBox(
  { data, width: pageWidth, height: pageHeight }: Pick<PageImage, 'data' | 'width' | 'height'>,
  box: Box,
  wanted: PageImage['mediaType'],
): Promise<CutBox> {
  const { left, top, right, bottom } = pixelBox(box, { width: pageWidth, height: pageHeight })
  const [width, height] = [right - left, bottom - top]
  const part = sharp(data, { limitInputPixels: false })
    .extract({ left, top, width, height })
    .flatten({ background: 'white' })
  if (wanted === 'image/png') {
    const png = await part.clone().png().toBuffer()
    if (png.length <= MAX_PNG_BYTES) return { bytes: png, mediaType: 'image/png', width, height }
  }
  const jpeg = await part.jpeg({ quality: JPEG_QUALITY }).toBuffer()
  return { bytes: jpeg, mediaType: 'image/jpeg', width, height }
}
