import { readBoxes } from './boxes.ts'
import type { Box } from './boxes.ts'
import type { TargetSize } from '../../page/target-size.ts'
import { unreadableImage } from './file.ts'

/** A JPEG 2000 image's header, read before any pixel is decoded. */
export interface Jpeg2000Header {
  readonly width: number
  readonly height: number
  /** As they are stored: 1 for a palette. */
  readonly components: number
  readonly hasAlpha: boolean
  /** The same at a half, a quarter and on, as often as its levels allow; the whole first. */
  readonly sizes: readonly TargetSize[]
}

// Boxes (Annex I) and markers (Annex A) of ISO/IEC 15444-1, https://www.itu.int/rec/T-REC-T.800.
const CODESTREAM_START = 0xff4fff51
const CODING = 0xff52
const CODING_OF_COMPONENT = 0xff53
const START_OF_TILE = 0xff90
const MAX_LEVELS = 32
const OPACITY_TYPES = [1, 2]

/** Bytes from the codestream's start to the fields of its SIZ marker. */
const siz = { right: 8, bottom: 12, left: 16, top: 20, components: 40 }

/** Reads the header of a JP2 file or a bare codestream. Throws `document_unreadable`. */
export function readJpeg2000Header(bytes: Uint8Array<ArrayBuffer>): Jpeg2000Header {
  const view = new DataView(bytes.buffer)
  try {
    if (view.getUint32(0) === CODESTREAM_START) return readSize(view, 0, false)
    const boxes = [...readBoxes(view, 0, view.byteLength)]
    const codestream = boxes.find(({ type }) => type === 'jp2c')?.start ?? 0
    const properties = boxes.find(({ type }) => type === 'jp2h')
    const isSound = view.getUint32(codestream) === CODESTREAM_START
    if (!isSound || properties === undefined) throw new RangeError('a JP2 without header or codestream')
    return readSize(view, codestream, hasOpacity(view, properties))
  } catch (error) {
    throw unreadableImage(error)
  }
}

/** Whether the channel definition box names an opacity channel. */
function hasOpacity(view: DataView, { start, end }: Box): boolean {
  const definition = readBoxes(view, start, end).find(({ type }) => type === 'cdef')
  if (definition === undefined) return false
  const count = Math.min(view.getUint16(definition.start), Math.floor((definition.end - definition.start - 2) / 6))
  return Array.from({ length: count }, (_, index) => view.getUint16(definition.start + 4 + index * 6)).some((type) =>
    OPACITY_TYPES.includes(type),
  )
}

function readSize(view: DataView, start: number, hasAlpha: boolean): Jpeg2000Header {
  const read = (field: number) => view.getUint32(start + field)
  const [width, height] = [read(siz.right) - read(siz.left), read(siz.bottom) - read(siz.top)]
  const components = view.getUint16(start + siz.components)
  if (width < 1 || height < 1 || components < 1) {
    throw new RangeError(`a JPEG 2000 image of ${width} × ${height} pixels with ${components} components`)
  }
  const halved = (edge: number, times: number) => Math.ceil(read(edge) / 2 ** times)
  const sizes = Array.from({ length: levelsOf(view, start, components) + 1 }, (_, times) => ({
    width: halved(siz.right, times) - halved(siz.left, times),
    height: halved(siz.bottom, times) - halved(siz.top, times),
  }))
  // Two components are gray and opacity, whether or not anything says so.
  return { width, height, components, hasAlpha: hasAlpha || components === 2, sizes }
}

/** Returns how often all components can be halved, by the markers before the first tile. */
function levelsOf(view: DataView, start: number, components: number): number {
  let levels = MAX_LEVELS
  for (let at = start + 2; view.getUint16(at) !== START_OF_TILE; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at)
    if (marker === CODING) levels = Math.min(levels, view.getUint8(at + 9))
    if (marker === CODING_OF_COMPONENT) levels = Math.min(levels, view.getUint8(at + (components > 256 ? 7 : 6)))
  }
  return levels
}
