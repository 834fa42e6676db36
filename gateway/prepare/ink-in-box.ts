import type { Bitmap } from './bitmap.ts'

/** A box on a page, each side as a share of the page's width or height, from its upper left corner. */
export interface PageShare {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Marks of a page at any size: 1 for a pixel that is marked. */
export interface Marks {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/** A box in whole pixels; the right and bottom ones are not in it. */
interface PixelBox {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Returns every pixel that a box touches, and more around it; empty where it lies beside the page. */
export function pixelsOf(share: PageShare, { width, height }: Pick<Marks, 'width' | 'height'>, more = 0): PixelBox {
  return {
    left: Math.max(0, Math.floor(share.left * width) - more),
    top: Math.max(0, Math.floor(share.top * height) - more),
    right: Math.min(width, Math.ceil(share.right * width) + more),
    bottom: Math.min(height, Math.ceil(share.bottom * height) + more),
  }
}

/** Tells whether none, some or all of the pixels of a box, and so many around it, are marked. */
export function marksIn(marks: Marks, share: PageShare, around = 1): 'none' | 'some' | 'all' {
  const { pixels, width } = marks
  const { left, top, right, bottom } = pixelsOf(share, marks, around)
  let [hasMark, hasGap] = [false, false]
  for (let y = top; y < bottom; y++)
    for (let at = y * width + left, end = y * width + right; at < end; at++) {
      if (pixels[at] === 1) hasMark = true
      else hasGap = true
      if (hasMark && hasGap) return 'some'
    }
  return hasMark ? 'all' : 'none'
}

const BINS = 16
const BIN = 256 / BINS

/** In each direction: letters cover a fifth of their box, so that a few samples find what is around them. */
const SAMPLES = 9
const counts = new Uint32Array(BINS)

/** Returns the most frequent tint of a box, in gray levels, by a few of its pixels. */
export function mainTint({ pixels, channels, ...size }: Bitmap, share: PageShare): number {
  const { left, top, right, bottom } = pixelsOf(share, size, 2)
  const [stepX, stepY] = [Math.max(1, (right - left) / SAMPLES), Math.max(1, (bottom - top) / SAMPLES)]
  counts.fill(0)
  for (let y = top; y < bottom; y += stepY) {
    const row = (y | 0) * size.width
    for (let x = left; x < right; x += stepX) {
      const at = (row + (x | 0)) * channels
      const level = channels === 1 ? pixels[at]! : levelOf(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!)
      counts[level >> 4]!++
    }
  }
  let most = 0
  for (let bin = 1; bin < BINS; bin++) if (counts[bin]! > counts[most]!) most = bin
  return most * BIN + BIN / 2
}

/** Tells whether any channel of a box has levels that are far apart: red on green is as dark as it. */
function hasRange({ pixels, channels, ...size }: Bitmap, share: PageShare, around: number): boolean {
  const { left, top, right, bottom } = pixelsOf(share, size, around)
  for (let channel = 0; channel < Math.min(3, channels); channel++) {
    let [darkest, lightest] = [255, 0]
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const level = pixels[(y * size.width + x) * channels + channel]!
        if (level < darkest) darkest = level
        if (level > lightest) lightest = level
      }
    if (lightest - darkest >= MIN_RANGE) return true
  }
  return false
}

/** In levels of a channel: a box that is all ink has at least this range if there are letters in it. */
const MIN_RANGE = 24
/** In pixels from the top of an A to the bottom of a g: smaller text is a gray line. */
const MIN_TYPE_PIXELS = 2

/**
 * Tells whether a box may show letters: it has ink, and something beside the ink. A box that is as small as its letters
 * needs a pixel around it: there is nothing beside the ink in that of a dash.
 */
export function hasLetters(bitmap: Bitmap, ink: Marks, share: PageShare, around: 0 | 1): boolean {
  const marks = marksIn(ink, share, around)
  return marks === 'some' || (marks === 'all' && hasRange(bitmap, share, 2 * around))
}

/** Tells whether letters of such a height, in pixels, cannot be told from each other. */
export function isTooSmall(pixels: number): boolean {
  return pixels < MIN_TYPE_PIXELS
}

/** Brightness, with the weights of ITU-R BT.601. */
export function levelOf(red: number, green: number, blue: number): number {
  return (red * 77 + green * 150 + blue * 29) >> 8
}
