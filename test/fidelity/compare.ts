import sharp from 'sharp'

/** How far two pictures of one page are apart. */
export interface Difference {
  /** Mean absolute difference of blurred luminance, 0 to 255. */
  readonly mean: number
  /** Of the blocks that hold ink in either picture, the share that looks different; 0 to 1. */
  readonly blocks: number
}

interface Luminance {
  readonly values: Uint8Array
  readonly width: number
  readonly height: number
}

/** Takes the grain out of edges: smoothing and hinting differ between any two programs. */
const BLUR_SIGMA = 2

const BLOCK_PIXELS = 12

/** Difference of a block's mean luminance from which an eye sees it. */
const VISIBLE_DIFFERENCE = 18

/** A block that is this uniform holds no ink. */
const PLAIN_RANGE = 12

/** Pages with hardly any ink are measured as if they had so many blocks of it. */
const MIN_INKED_BLOCKS = 12

/** Compares two encoded pictures of a page; the second is first brought to the size of the first. */
export async function compare(first: Uint8Array, second: Uint8Array): Promise<Difference> {
  const one = await luminance(first)
  const other = await luminance(second, one)
  const total = one.values.reduce((sum, value, at) => sum + Math.abs(value - other.values[at]!), 0)
  const [inked, different] = countBlocks(one, other)
  return { mean: total / one.values.length, blocks: different / Math.max(inked, MIN_INKED_BLOCKS) }
}

async function luminance(picture: Uint8Array, size?: Pick<Luminance, 'width' | 'height'>): Promise<Luminance> {
  const image = sharp(picture, { limitInputPixels: false }).flatten({ background: '#fff' })
  const sized = size === undefined ? image : image.resize(size.width, size.height, { fit: 'fill' })
  const { data, info } = await sized.toColourspace('b-w').blur(BLUR_SIGMA).raw().toBuffer({ resolveWithObject: true })
  return { values: data, width: info.width, height: info.height }
}

/** Returns how many blocks hold ink in either picture, and how many of those differ visibly. */
function countBlocks(one: Luminance, other: Luminance): [inked: number, different: number] {
  let inked = 0
  let different = 0
  for (let top = 0; top < one.height; top += BLOCK_PIXELS) {
    for (let left = 0; left < one.width; left += BLOCK_PIXELS) {
      const [a, b] = [block(one, left, top), block(other, left, top)]
      const isDifferent = Math.abs(a.mean - b.mean) > VISIBLE_DIFFERENCE
      if (isDifferent || a.range > PLAIN_RANGE || b.range > PLAIN_RANGE) inked++
      if (isDifferent) different++
    }
  }
  return [inked, different]
}

function block({ values, width, height }: Luminance, left: number, top: number): { mean: number; range: number } {
  const [right, bottom] = [Math.min(left + BLOCK_PIXELS, width), Math.min(top + BLOCK_PIXELS, height)]
  let [sum, least, most] = [0, 255, 0]
  for (let y = top; y < bottom; y++) {
    for (let at = y * width + left; at < y * width + right; at++) {
      const value = values[at]!
      sum += value
      least = Math.min(least, value)
      most = Math.max(most, value)
    }
  }
  return { mean: sum / ((right - left) * (bottom - top)), range: most - least }
}
