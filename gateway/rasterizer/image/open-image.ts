import type { Sharp } from 'sharp'
import { decoded, unreadableImage } from './file.ts'
import type { OpenImageFile } from './file.ts'
import { openGif } from './gif.ts'
import { openHeif } from './heif.ts'
import { openJpeg } from './jpeg.ts'
import { openJpeg2000 } from './jpeg2000.ts'
import type { ImageLimits } from './memory.ts'
import { openPng } from './png.ts'
import { openTiff } from './tiff.ts'
import { openWebp } from './webp.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { sniffMediaType } from '../media-type.ts'
import type { DrawnMediaType } from '../media-type.ts'
import type { OpenedDocument } from '../opened-document.ts'
import type { TargetSize } from '../../page/target-size.ts'

const openers: Readonly<Record<Exclude<DrawnMediaType, 'application/pdf'>, OpenImageFile>> = {
  'image/png': openPng,
  'image/jpeg': openJpeg,
  'image/webp': openWebp,
  'image/gif': openGif,
  'image/tiff': openTiff,
  // With it comes a canvas, which few documents need.
  'image/bmp': async (bytes, limits) => (await import('./bmp.ts')).openBmp(bytes, limits),
  'image/avif': openHeif,
  'image/heic': openHeif,
  'image/jp2': openJpeg2000,
}

/**
 * Opens an image as a document: of one page, the first frame of an animation; of a TIFF, every image is a page. Only
 * headers are read here. Throws `document_unreadable` and `page_too_large`. Only for drawers.
 */
export async function openImage(bytes: Uint8Array, limits: ImageLimits): Promise<OpenedDocument> {
  const mediaType = sniffMediaType(bytes)
  if (mediaType === null || mediaType === 'application/pdf') throw unreadableImage(new Error('no image'))
  // Copied once: decoders read on threads of their own, and the original bytes are shared.
  const file = await openers[mediaType](new Uint8Array(bytes), limits)
  return {
    pageCount: file.pageCount,
    async draw(number, sizeFor) {
      const page = await file.page(number)
      const size = sizeFor({ width: page.width, height: page.height, unit: 'px' })
      const source = { width: page.width, height: page.height, dpi: null, bilevel: null }
      return { bitmap: await shrink(await page.decode(), size, page.shrinksOnLoad), rasterizer: 'sharp', source }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function shrink(image: Sharp, { width, height }: TargetSize, shrinksOnLoad = false): Promise<Bitmap> {
  const drawing = image
    // No decoding at a fraction of the size where that can be: models were trained on images reduced with Lanczos.
    .resize({ width, height, fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: shrinksOnLoad })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
  const { data, info } = await decoded(drawing.toBuffer({ resolveWithObject: true }))
  return { pixels: data, width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3 }
}
