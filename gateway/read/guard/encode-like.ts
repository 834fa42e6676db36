import type { Sharp } from 'sharp'
import type { PageImage } from '../../page/page.ts'

const JPEG_QUALITY = 95

/** Encodes changed pixels of a page image as the image is encoded. */
export async function encodeLike(pixels: Sharp, image: PageImage, jpegQuality = JPEG_QUALITY): Promise<PageImage> {
  const encoded =
    image.mediaType === 'image/png'
      ? pixels.png({ compressionLevel: 1 })
      : pixels.jpeg({ quality: jpegQuality, chromaSubsampling: '4:4:4' })
  return { ...image, data: new Uint8Array(await encoded.toBuffer()) }
}
