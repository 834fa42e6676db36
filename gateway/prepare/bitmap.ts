/** The pixels of one page: rows from the top, 8 bits per channel, opaque. */
export interface Bitmap {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  /** 3: RGB. 4: RGB and an alpha that is 255 everywhere. 1: gray. */
  readonly channels: 1 | 3 | 4
}

/**
 * Converts PDFium's pixels (blue, green, red, unused; 4-byte aligned) in place: to gray when no pixel has colour, else
 * to RGB. With new memory for each page, V8 would collect its whole heap once a page.
 */
export function fromBgrx(bgrx: Uint8Array, width: number, height: number): Bitmap {
  const words = new Uint32Array(bgrx.buffer, bgrx.byteOffset, width * height)
  for (let pixel = 0; pixel < words.length; pixel++) {
    const word = words[pixel]!
    // Compares blue with green and green with red in one operation.
    if (((word ^ (word >>> 8)) & 0xffff) !== 0) {
      grayToRgb(bgrx, pixel)
      bgrxToRgb(bgrx, words, pixel)
      return { pixels: bgrx.subarray(0, words.length * 3), width, height, channels: 3 }
    }
    bgrx[pixel] = word
  }
  return { pixels: bgrx.subarray(0, words.length), width, height, channels: 1 }
}

/** Expands the first `count` pixels, which are gray. From the last to the first, so that none is overwritten unread. */
function grayToRgb(bytes: Uint8Array, count: number): void {
  for (let pixel = count - 1, at = pixel * 3; pixel >= 0; pixel--, at -= 3) {
    const gray = bytes[pixel]!
    bytes[at] = gray
    bytes[at + 1] = gray
    bytes[at + 2] = gray
  }
}

function bgrxToRgb(bytes: Uint8Array, words: Uint32Array, first: number): void {
  for (let pixel = first, at = first * 3; pixel < words.length; pixel++, at += 3) {
    const word = words[pixel]!
    bytes[at] = word >>> 16
    bytes[at + 1] = word >>> 8
    bytes[at + 2] = word
  }
}

/** Returns one byte per pixel when every pixel has R = G = B, otherwise null. */
export function toGray({ pixels, channels, width, height }: Bitmap): Uint8Array | null {
  if (channels === 1) return pixels
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
