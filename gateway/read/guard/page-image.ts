import type { PageImage } from '../../page/page.ts'
import type { TargetSize } from '../../page/target-size.ts'
import type { PagePrompt } from '../../engine/engine.ts'

/** A page's image, drawn once for all attempts. */
export interface HeldImage {
  readonly draw: PagePrompt['image']
  /** Null until it was drawn. */
  readonly current: () => PageImage | null
  /** Makes it smaller, for a model whose context it did not fit; false when it cannot be, or was already. */
  readonly shrink: (signal: AbortSignal) => Promise<boolean>
}

/** Holds the image of a page. */
export function holdImage({ image, model }: PagePrompt): HeldImage {
  let held: PageImage | null = null
  let isShrunk = false
  return {
    async draw(signal) {
      held ??= await image(signal)
      return held
    },
    current: () => held,
    async shrink(signal) {
      const size = held === null || isShrunk ? null : smallerSize(held, model)
      if (held === null || size === null) return false
      isShrunk = true
      held = await resized(held, size)
      return !signal.aborted
    },
  }
}

/** Below this share of its length a line of print is a guess, and a page that was guessed is worse than none. */
const SMALLEST_SCALE = 0.4

/**
 * Returns the size at which a page image takes half of the tokens that it took, and no more than half of the context;
 * null when too little of it would be left.
 */
export function smallerSize(image: TargetSize, { profile, maxModelLen }: PagePrompt['model']): TargetSize | null {
  const tokens = profile.imageTokens(image)
  const scale = Math.sqrt(Math.min(tokens / 2, maxModelLen / 2) / tokens)
  if (!(scale >= SMALLEST_SCALE)) return null
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
