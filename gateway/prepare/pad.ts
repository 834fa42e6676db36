import type { PixelBudget } from '../page/target-size.ts'
import type { Bitmap } from './bitmap.ts'
import { mostFrequent } from './paper.ts'
import { holdImage } from './pixels.ts'

/**
 * Pads an image with paper, at its right and below, where it is narrower or longer than the model takes. The image
 * itself is not enlarged, and its pixels keep their places.
 */
export function pad(bitmap: Bitmap, { minEdge = 1, maxRatio = Infinity }: PixelBudget): Bitmap {
  const least = Math.max(minEdge, Math.ceil(Math.max(bitmap.width, bitmap.height) / maxRatio))
  const [width, height] = [Math.max(bitmap.width, least), Math.max(bitmap.height, least)]
  if (width === bitmap.width && height === bitmap.height) return bitmap
  const { pixels, channels } = bitmap
  const paper = paperOf(bitmap)
  const padded = new Uint8Array(width * height * channels)
  for (let at = 0; at < padded.length; at++) padded[at] = paper[at % channels]!
  const stride = bitmap.width * channels
  for (let y = 0; y < bitmap.height; y++)
    padded.set(pixels.subarray(y * stride, (y + 1) * stride), y * width * channels)
  return { pixels: padded, width, height, channels }
}

/** How far a pixel's brightness may be from the paper's, in gray levels. */
const TINT = 6

/** Returns the colour of an image's paper: the mean of the pixels that are about as bright as most are. */
function paperOf(bitmap: Bitmap): number[] {
  const { pixels, channels } = bitmap
  const image = holdImage(bitmap)
  const level = mostFrequent(image)
  const sums = Array.from({ length: channels }, () => 0)
  let count = 0
  for (const [pixel, brightness] of image.pixels().entries()) {
    if (Math.abs(brightness - level) > TINT) continue
    count++
    for (let channel = 0; channel < channels; channel++) sums[channel]! += pixels[pixel * channels + channel]!
  }
  return sums.map((sum) => (count === 0 ? 255 : Math.round(sum / count)))
}
