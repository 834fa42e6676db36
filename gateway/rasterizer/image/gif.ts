import { assertDecodable, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { HELD } from './memory.ts'
import type { ImageLimits } from './memory.ts'
import { openWithSharp } from './sharp.ts'

// Those blocks of GIF89a (https://www.w3.org/Graphics/GIF/spec-gif89a.txt) that come before or with the first frame.
const HEADER_LENGTH = 13
const DESCRIPTOR_LENGTH = 10
const EXTENSION = 0x21
const FRAME = 0x2c
const TRAILER = 0x3b

/** Opens the first frame of a GIF. Later frames are never read, however many or damaged they are. */
export async function openGif(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  return openWithSharp(firstFrame(bytes, limits.maxImagePixels), limits, () => ({ held: HELD.gif }))
}

/**
 * Returns a GIF of the first frame alone. Throws `page_too_large` when the canvas or the frame has too many pixels,
 * since decoders differ in which of them is the image; `document_unreadable` when the file is cut off.
 */
function firstFrame(bytes: Uint8Array<ArrayBuffer>, maxImagePixels: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer)
  try {
    const frame = findFrame(view)
    const size = (screenAt: number, offsetAt: number, sizeAt: number) =>
      Math.max(view.getUint16(screenAt, true), view.getUint16(offsetAt, true) + view.getUint16(sizeAt, true))
    assertDecodable(size(6, frame + 1, frame + 5), size(8, frame + 3, frame + 7), maxImagePixels)
    const pixelsAt = frame + DESCRIPTOR_LENGTH + colorTableLength(view.getUint8(frame + 9))
    // One byte, before the pixels' blocks, says how wide their codes are.
    const end = afterBlocks(view, pixelsAt + 1)
    const alone = bytes.slice(0, end + 1)
    alone[end] = TRAILER
    return withoutMargins(alone, frame)
  } catch (error) {
    throw error instanceof RangeError ? unreadableImage(error) : error
  }
}

/**
 * Makes the canvas as large as its frame, in place, where it is larger: the rest of it shows nothing, and libvips
 * leaves that black.
 */
function withoutMargins(bytes: Uint8Array<ArrayBuffer>, frame: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer)
  const [left, top, width, height] = [1, 3, 5, 7].map((offset) => view.getUint16(frame + offset, true))
  if (left === 0 && top === 0 && width! >= view.getUint16(6, true) && height! >= view.getUint16(8, true)) return bytes
  bytes.copyWithin(6, frame + 5, frame + 9)
  bytes.fill(0, frame + 1, frame + 5)
  return bytes
}

/** Returns where the first frame's descriptor is. A RangeError says that the file ends before. */
function findFrame(view: DataView): number {
  let at = HEADER_LENGTH + colorTableLength(view.getUint8(10))
  while (view.getUint8(at) === EXTENSION) at = afterBlocks(view, at + 2)
  if (view.getUint8(at) !== FRAME) throw unreadableImage(new Error('a GIF without a frame'))
  return at
}

/** Returns where a series of sub-blocks ends. Each begins with its length; an empty one is the last. */
function afterBlocks(view: DataView, start: number): number {
  let at = start
  for (let length = view.getUint8(at); length > 0; length = view.getUint8(at)) at += length + 1
  return at + 1
}

function colorTableLength(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1)
}
