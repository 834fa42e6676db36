import type { GatewayError } from '../../errors.ts'
import type { PageImage } from '../../page/page.ts'
import type { OcrModel } from '../../profile/question.ts'
import { encodeLike } from './encode-like.ts'
import { resized, shrink } from './shrink.ts'

/** What was done to a page image so that an engine would take it. Each of these is done once. */
export type ImageChange = 'smaller' | 'fewer_bytes'

/** Tells whether a page that was refused for good is worth another attempt with a changed image. */
export function isMendable({ kind }: GatewayError): boolean {
  return kind === 'too_long' || kind === 'image_too_long' || kind === 'too_many_bytes'
}

/** What was tried before. */
export interface ChangeHistory {
  readonly done: Set<ImageChange>
  /** The failure of the attempt before the last; null when it did not fail. */
  readonly failureBefore: GatewayError | null
}

/**
 * Returns the image for the attempt after a failure: the same failure would otherwise come again. An image that is too
 * large is made smaller; one that an engine cannot find again, or failed at twice in the same way, gets another hash.
 * Null when the image cannot be changed as it must be.
 */
export async function changeImage(
  image: PageImage,
  failure: GatewayError,
  model: OcrModel,
  { done, failureBefore }: ChangeHistory,
): Promise<PageImage | null> {
  if (failure.kind === 'too_many_bytes') return once(done, 'fewer_bytes', () => lighten(image))
  if (isMendable(failure)) return once(done, 'smaller', () => shrink(image, model, failure.tokenShare))
  const isRepeated = failure.code === 'engine_error' && failure.message === failureBefore?.message
  // An image that cannot be changed is shown as it is: the failure may have been chance.
  return failure.kind === 'image_forgotten' || isRepeated ? alter(image).catch(() => image) : image
}

async function once(
  done: Set<ImageChange>,
  change: ImageChange,
  make: () => Promise<PageImage | null>,
): Promise<PageImage | null> {
  if (done.has(change)) return null
  done.add(change)
  return make()
}

/** Of a page of print, a JPEG may have more bytes than a PNG: the second quality is for these. */
const LIGHT_JPEG_QUALITIES = [85, 60] as const

/** A lighter image must have no more than this share of the bytes, or what can be had of all ways is taken. */
const LIGHT_SHARE = 0.6

/**
 * Makes the bytes of a page image fewer: as JPEG, and at half of its pixels where that is not enough. Null where nothing
 * makes them fewer.
 */
async function lighten(image: PageImage): Promise<PageImage | null> {
  const { default: sharp } = await import('sharp')
  const bytes = image.data.byteLength
  const asJpeg = (from: PageImage, quality: number) =>
    encodeLike(sharp(from.data, { limitInputPixels: false }), { ...from, mediaType: 'image/jpeg' }, quality)
  let lightest = await asJpeg(image, LIGHT_JPEG_QUALITIES[0])
  if (lightest.data.byteLength <= LIGHT_SHARE * bytes) return lightest
  const half = await resized(image, {
    width: Math.ceil(image.width * Math.SQRT1_2),
    height: Math.ceil(image.height * Math.SQRT1_2),
  })
  for (const quality of [null, ...LIGHT_JPEG_QUALITIES]) {
    const light = quality === null ? half : await asJpeg(half, quality)
    if (light.data.byteLength < lightest.data.byteLength) lightest = light
    if (lightest.data.byteLength <= LIGHT_SHARE * bytes) return lightest
  }
  return lightest.data.byteLength < bytes ? lightest : null
}

/** By how much the last sample of an image is changed: JPEG loses a change that is smaller. */
const STEP = { 'image/png': 1, 'image/jpeg': 24 } as const

/** Changes the last pixel of a page image, so that its pixels have another hash, and nothing that can be seen. */
async function alter(image: PageImage): Promise<PageImage> {
  const { default: sharp } = await import('sharp')
  const decoded = sharp(image.data, { limitInputPixels: false })
  const isGray = (await decoded.metadata()).channels === 1
  const { data, info } = await (isGray ? decoded.toColourspace('b-w') : decoded)
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  const step = STEP[image.mediaType]
  const last = data.length - 1
  const value = data[last] ?? 0
  data[last] = value >= step ? value - step : value + step
  const changed = sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
  return encodeLike(isGray ? changed.toColourspace('b-w') : changed, image)
}
