import type { PageImage } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import type { OcrModel } from '../../profile/question.ts'

/** At a smaller scale a model guesses the print, and a guessed page is worse than a failed one. */
const MIN_SCALE = 0.4

/** Makes a page image smaller, for a model whose context it did not fit; null when it would be too small to read. */
export async function shrink(image: PageImage, model: OcrModel): Promise<PageImage | null> {
  const size = smallerSize(image, model)
  return size === null ? null : resized(image, size)
}

/**
 * Returns the size at which a page image takes half of the tokens that it took, and no more than half of the context;
 * null when it would be too small to read.
 */
export function smallerSize(image: TargetSize, { profile, maxModelLen }: OcrModel): TargetSize | null {
  const tokens = profile.imageTokens(image)
  const scale = Math.sqrt(Math.min(tokens / 2, maxModelLen / 2) / tokens)
  if (!(scale >= MIN_SCALE)) return null
  return { width: Math.max(1, Math.round(image.width * scale)), height: Math.max(1, Math.round(image.height * scale)) }
}

async function resized(image: PageImage, { width, height }: TargetSize): Promise<PageImage> {
  // Loaded when a page first needs it: most gateways never shrink one.
  const { default: sharp } = await import('sharp')
  const smaller = sharp(image.data, { limitInputPixels: false }).resize(width, height, { fit: 'fill' })
  const encoded =
    image.mediaType === 'image/png'
      ? smaller.png({ compressionLevel: 1 })
      : smaller.jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
  return { ...image, data: new Uint8Array(await encoded.toBuffer()), width, height }
}
