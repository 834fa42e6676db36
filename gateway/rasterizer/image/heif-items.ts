import { readBoxes } from './boxes.ts'
import type { Box } from './boxes.ts'

/** Bytes of the version and the flags that begin a full box: ISO/IEC 14496-12, 4.2. */
const FULL_BOX = 4

/** What an image is made of: coded, derived from others, or a mask. ISO/IEC 23008-12, 23000-22 and libheif's own. */
const IMAGES = new Set(['av01', 'hvc1', 'jpeg', 'j2k1', 'avc1', 'vvc1', 'unci', 'mski', 'grid', 'iovl', 'iden', 'tili', 'tmap']) // prettier-ignore

/**
 * Takes every item out of a HEIF file, in place, that is not an image: decoders copy EXIF, XMP and whatever else is
 * there, and any number of items may share the same bytes. Orientation, colours and sizes are properties, not items.
 */
export function leaveOutMetadata(bytes: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(bytes.buffer)
  for (const meta of readBoxes(view, 0, view.byteLength))
    if (meta.type === 'meta')
      for (const box of readBoxes(view, meta.start + FULL_BOX, meta.end))
        if (box.type === 'iinf') keepImages(bytes, view, box)
}

/** Moves the entries of images to the front, and makes a box that nobody reads of what is left behind them. */
function keepImages(bytes: Uint8Array, view: DataView, { start, end, header }: Box): void {
  if (start + FULL_BOX + 4 > end || header !== 8) return
  const isShort = view.getUint8(start) === 0
  const first = start + FULL_BOX + (isShort ? 2 : 4)
  let count = 0
  let isAnyLeftOut = false
  let to = first
  for (const entry of readBoxes(view, first, end)) {
    if (entry.type === 'infe' && !isImage(view, entry)) {
      isAnyLeftOut = true
      continue
    }
    bytes.copyWithin(to, entry.at, entry.end)
    to += entry.end - entry.at
    count++
  }
  if (!isAnyLeftOut) return
  if (isShort) view.setUint16(first - 2, count)
  else view.setUint32(first - 4, count)
  view.setUint32(start - 8, to - start + 8)
  view.setUint32(to, end - to)
  bytes.set(Buffer.from('free'), to + 4)
}

/** Whether an entry is that of an image; so are those of old files, which give no types. */
function isImage(view: DataView, { start, end }: Box): boolean {
  const version = view.getUint8(start)
  const at = start + FULL_BOX + (version === 2 ? 4 : 6)
  if (version < 2 || at + 4 > end) return true
  return IMAGES.has(String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset))))
}
