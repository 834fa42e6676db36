import type { PageImage } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import type { OcrModel } from '../../profile/question.ts'
import { encodeLike } from './encode-like.ts'

/** At a smaller scale a model guesses the print, and a guessed page is worse than a failed one. */
const MIN_SCALE = 0.4

/** The share of its tokens that an image keeps where nobody said how much fits. */
const HALF = 1 / 2

/**
 * Makes a page image smaller, so that it takes no more than a share of its tokens; null when it would be too small to
 * read. Without a share it takes half of them, and no more than half of the context.
 */
export async function shrink(
  image: PageImage,
  model: OcrModel,
  tokenShare: number | null = null,
): Promise<PageImage | null> {
  const size = smallerSize(image, model, tokenShare)
  return size === null ? null : resized(image, size)
}

/** Makes a page image smaller, if need be, so that it takes no more than so many tokens, where it stays readable. */
export async function fitTokens(image: PageImage, model: OcrModel, maxTokens: number | null): Promise<PageImage> {
  const tokens = model.profile.imageTokens(image)
  if (maxTokens === null || tokens <= maxTokens) return image
  return (await shrink(image, model, maxTokens / tokens)) ?? image
}

/** Returns the size at which an image takes a share of its tokens; null when it would be too small to read. */
export function smallerSize(
  image: TargetSize,
  { profile, maxModelLen }: OcrModel,
  tokenShare: number | null = null,
): TargetSize | null {
  const tokens = profile.imageTokens(image)
  const maxTokens = tokenShare === null ? Math.min(tokens * HALF, maxModelLen * HALF) : tokens * tokenShare
  // An image is counted in whole patches: a little below the limit it fits, whichever way they are rounded.
  for (let scale = Math.sqrt(maxTokens / tokens); scale >= MIN_SCALE; scale *= 0.99) {
    const size = scaled(image, scale)
    if (tokenShare === null || profile.imageTokens(size) <= maxTokens) return size
  }
  return null
}

function scaled({ width, height }: TargetSize, scale: number): TargetSize {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** At a smaller scale than this, type of a usual size may come close to what a model can read. */
const MIN_SILENT_SCALE = 0.85

/** Warns of a page image that was made much smaller than it should be for its model. */
function warnings(image: PageImage, { width, height }: TargetSize): PageImage['warnings'] {
  if (width >= MIN_SILENT_SCALE * image.width) return image.warnings
  const message = `The engine took this page image only at ${width} × ${height} pixels, not at ${image.width} × ${image.height}: small type may be misread. Its operator can give it more room: --max-model-len, --max-num-batched-tokens, or the body limit of a proxy before it.`
  return [...image.warnings, { code: 'resolution_low', message }]
}

/** Makes a page image smaller, to exactly this size; the image says so if its type may be too small then. */
export async function resized(image: PageImage, size: TargetSize): Promise<PageImage> {
  const { width, height } = size
  // Loaded when a page first needs it: most gateways never shrink one.
  const { default: sharp } = await import('sharp')
  const smaller = sharp(image.data, { limitInputPixels: false }).resize(width, height, { fit: 'fill' })
  return encodeLike(smaller, { ...image, width, height, warnings: warnings(image, size) })
}
