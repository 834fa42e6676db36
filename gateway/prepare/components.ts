/** A connected piece of ink: its bounds in pixels, the last row and column included, and how many pixels it has. */
export interface Component {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly area: number
}

/** A mask whose non-zero pixels are ink. */
interface Mask {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/**
 * Yields the connected pieces of ink (diagonals connect), in the order of their topmost pixels. Removes each from the
 * mask, which ends up empty. Ends with the first piece of more than `most` pixels, of which it has seen so many.
 */
export function* takeComponents(mask: Mask, most = Infinity): Generator<Component, void, undefined> {
  const { pixels } = mask
  const waiting: number[] = []
  for (let seed = pixels.indexOf(1); seed !== -1 && waiting.length === 0; seed = pixels.indexOf(1, seed + 1))
    yield takeFrom(mask, seed, waiting, most)
}

function takeFrom({ pixels, width, height }: Mask, seed: number, waiting: number[], most: number): Component {
  let [left, right, top, bottom, area] = [width, -1, height, -1, 0]
  waiting.push(seed)
  pixels[seed] = 0
  while (waiting.length > 0 && area < most) {
    const at = waiting.pop()!
    const y = Math.floor(at / width)
    const x = at - y * width
    area++
    if (x < left) left = x
    if (x > right) right = x
    if (y < top) top = y
    if (y > bottom) bottom = y
    const [fromX, toX] = [x > 0 ? -1 : 0, x < width - 1 ? 1 : 0]
    const [fromY, toY] = [y > 0 ? -width : 0, y < height - 1 ? width : 0]
    for (let row = at + fromY; row <= at + toY; row += width)
      for (let next = row + fromX; next <= row + toX; next++) {
        if (pixels[next] !== 1) continue
        pixels[next] = 0
        waiting.push(next)
      }
  }
  return { left, top, right, bottom, area }
}
