import sharp from 'sharp'
import type { PageImage } from '../page/page.ts'
import { pixelBox, type Box } from '../page/box.ts'

const JPEG_QUALITY = 85

/** Cuts a part out of a page image, as a JPEG. */
export async function cutBox({ data, width, height }: PageImage, box: Box): Promise<Uint8Array> {
  const { left, top, right, bottom } = pixelBox(box, { width, height })
  const part = sharp(data).extract({ left, top, width: right - left, height: bottom - top })
  return part.flatten({ background: 'white' }).jpeg({ quality: JPEG_QUALITY }).toBuffer()
}
