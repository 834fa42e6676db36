import sharp from 'sharp'
import type { Sharp } from 'sharp'
import type { PixelBudget } from '../page/target-size.ts'
import type { Bitmap } from './bitmap.ts'
import { readBrightness } from './gray.ts'
import { findInk } from './ink-mask.ts'
import type { Turn } from './orientation.ts'

/** Turns a page clockwise by quarters. No pixel changes its value. */
export async function turnPage(bitmap: Bitmap, turn: Turn): Promise<Bitmap> {
  return turn === 0 ? bitmap : readBitmap(imageOf(bitmap).rotate(turn))
}

/**
 * Levels a page that is skewed clockwise by so many degrees. The corners that come free are white. The page keeps its
 * size where that cuts off only paper, grows where it would cut off ink, and never exceeds the budget.
 */
export async function levelPage(bitmap: Bitmap, degrees: number, budget: PixelBudget): Promise<Bitmap> {
  const radians = (-degrees * Math.PI) / 180
  const [cosine, sine] = [Math.cos(radians), Math.sin(radians)]
  const matrix: [[number, number], [number, number]] = [
    [cosine, -sine],
    [sine, cosine],
  ]
  const turned = await readBitmap(imageOf(bitmap).affine(matrix, { background: '#ffffff', interpolator: 'bicubic' }))
  const needed = inkExtent(bitmap, cosine, sine)
  const width = Math.min(turned.width, Math.max(bitmap.width, needed.width))
  const height = Math.min(turned.height, Math.max(bitmap.height, needed.height))
  const [left, top] = [(turned.width - width) >> 1, (turned.height - height) >> 1]
  const cut = imageOf(turned).extract({ left, top, width, height })
  const largest =
    budget.longestEdge === undefined ? Infinity : Math.max(budget.longestEdge, bitmap.width, bitmap.height)
  const scale = Math.min(1, largest / Math.max(width, height), Math.sqrt(budget.maxPixels / (width * height)))
  if (scale === 1) return readBitmap(cut)
  const [across, down] = [Math.floor(width * scale), Math.floor(height * scale)]
  return readBitmap(cut.resize({ width: across, height: down, fit: 'fill', kernel: 'lanczos3' }))
}

/** Paper that is kept around the outermost ink, in pixels. */
const MARGIN = 8
const FACTOR = 2

/** Returns the width and height, centred on the page, that hold all its ink after turning. */
function inkExtent(bitmap: Bitmap, cosine: number, sine: number): { width: number; height: number } {
  const { pixels, width, height } = findInk(readBrightness(bitmap, FACTOR))
  let [across, down] = [0, 0]
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      if (pixels[at] !== 1) continue
      const [dx, dy] = [x - width / 2, y - height / 2]
      across = Math.max(across, Math.abs(dx * cosine - dy * sine))
      down = Math.max(down, Math.abs(dx * sine + dy * cosine))
    }
  const size = (half: number) => Math.ceil(half * 2 * FACTOR) + 2 * MARGIN
  return { width: size(across), height: size(down) }
}

/** Makes a sharp image. sharp converts raw gray to RGB unless it is told not to. */
function imageOf({ pixels, width, height, channels }: Bitmap): Sharp {
  const image = sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
  return image.toColourspace(channels === 1 ? 'b-w' : 'srgb')
}

async function readBitmap(image: Sharp): Promise<Bitmap> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  const channels = info.channels === 1 || info.channels === 4 ? info.channels : 3
  return { pixels: data, width: info.width, height: info.height, channels }
}
