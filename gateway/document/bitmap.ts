/** The pixels of one page: rows from the top, 8 bits per channel, opaque. */
export interface Bitmap {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
  /** 3: RGB. 4: RGB and an alpha that is 255 everywhere. 1: gray. */
  readonly channels: 1 | 3 | 4
}

/** Copies PDFium's pixels (blue, green, red, nothing; 4-byte aligned) out of its memory: as gray when none has colour, else as RGB. */
export function fromBgrx(bgrx: Uint8Array, width: number, height: number): Bitmap {
  const words = new Uint32Array(bgrx.buffer, bgrx.byteOffset, width * height)
  const gray = new Uint8Array(words.length)
  for (let pixel = 0; pixel < words.length; pixel++) {
    const word = words[pixel]!
    // Blue against green, and green against red, at once.
    if (((word ^ (word >>> 8)) & 0xffff) !== 0) return { pixels: toRgb(words), width, height, channels: 3 }
    gray[pixel] = word
  }
  return { pixels: gray, width, height, channels: 1 }
}

function toRgb(words: Uint32Array): Uint8Array {
  const rgb = new Uint8Array(words.length * 3)
  for (let pixel = 0, at = 0; pixel < words.length; pixel++, at += 3) {
    const word = words[pixel]!
    rgb[at] = word >>> 16
    rgb[at + 1] = word >>> 8
    rgb[at + 2] = word
  }
  return rgb
}

/** Returns one byte per pixel when every pixel has R = G = B, otherwise null. */
export function toGray({ pixels, channels, width, height }: Bitmap): Uint8Array | null {
  if (channels === 1) return pixels
  const gray = new Uint8Array(width * height)
  for (let pixel = 0, at = 0; pixel < gray.length; pixel++, at += channels) {
    const red = pixels[at]!
    if (red !== pixels[at + 1] || red !== pixels[at + 2]) return null
    gray[pixel] = red
  }
  return gray
}

/** Whether there is nothing on a page. */
export function isWhite({ pixels }: Bitmap): boolean {
  return pixels.every((value) => value === 255)
}
