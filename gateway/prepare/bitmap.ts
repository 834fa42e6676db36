/** The pixels of one page: rows from the top, 8 bits per channel, opaque. */
export interface Bitmap {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  /** 3: RGB. 4: RGB and an alpha that is 255 everywhere. 1: gray. */
  readonly channels: 1 | 3 | 4
  /** A pixel is known to have colour; left out where nobody has looked. */
  readonly hasColour?: true
}

/** Returns one byte per pixel when every pixel has R = G = B, otherwise null. */
export function toGray({ pixels, channels, width, height, hasColour }: Bitmap): Uint8Array | null {
  if (channels === 1) return pixels
  if (hasColour === true) return null
  for (let at = 0; at < pixels.length; at += channels) {
    if (pixels[at] !== pixels[at + 1] || pixels[at] !== pixels[at + 2]) return null
  }
  const gray = new Uint8Array(width * height)
  for (let pixel = 0, at = 0; pixel < gray.length; pixel++, at += channels) gray[pixel] = pixels[at]!
  return gray
}

/** Whether every pixel of a page is white. */
export function isWhite({ pixels }: Bitmap): boolean {
  return pixels.every((value) => value === 255)
}
