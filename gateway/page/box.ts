/** A place on a page, as shares of its width and height. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

const onPage = (share: number): number => (share > 0 ? Math.min(1, share) : 0)

/** Returns the part of a place that is on the page, with its corners in order: models mix them up. */
export function boxOnPage({ left, top, right, bottom }: Box): Box {
  const [x, otherX, y, otherY] = [onPage(left), onPage(right), onPage(top), onPage(bottom)]
  return {
    left: Math.min(x, otherX),
    top: Math.min(y, otherY),
    right: Math.max(x, otherX),
    bottom: Math.max(y, otherY),
  }
}

/** Tells whether a place has an extent. */
export function hasExtent({ left, top, right, bottom }: Box): boolean {
  return left < right && top < bottom
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
