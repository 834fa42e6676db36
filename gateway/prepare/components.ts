import { holdPieces, type Mask } from './pixels.ts'

/** A connected piece of ink: its bounds in pixels, the last row and column included, and how many pixels it has. */
export interface Component {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly area: number
}

/**
 * Yields the connected pieces of ink (diagonals connect), in the order of their topmost pixels. Ends with the first piece
 * of `most` pixels or more, of which it has seen so many. No other page may be measured meanwhile.
 */
export function* findComponents(mask: Mask, most = Infinity): Generator<Component, void, undefined> {
  const next = holdPieces(mask, Math.min(most, mask.pixels.length))
  for (let piece = next(); piece !== null; piece = next()) {
    const [left = 0, top = 0, right = 0, bottom = 0, area = 0] = piece
    yield { left, top, right, bottom, area }
    if (area >= most) return
  }
}
