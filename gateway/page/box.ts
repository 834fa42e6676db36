/** A place on a page, as shares of its width and height. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Returns a place in pixels of a page image of this size; at least one pixel. */
export function pixelBox(
  { left, top, right, bottom }: Box,
  { width, height }: { readonly width: number; readonly height: number },
): Box {
  const [x, y] = [Math.min(width - 1, Math.floor(left * width)), Math.min(height - 1, Math.floor(top * height))]
  return {
    left: x,
    top: y,
    right: Math.min(width, Math.max(x + 1, Math.ceil(right * width))),
    bottom: Math.min(height, Math.max(y + 1, Math.ceil(bottom * height))),
  }
}
