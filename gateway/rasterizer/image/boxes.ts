/** A box of an ISO base media file (ISO/IEC 14496-12, 4.2), HEIF and JPEG 2000 among them. */
export interface Box {
  readonly type: string
  /** Where it begins, and how long its header is. */
  readonly at: number
  readonly header: number
  /** Where its content begins and ends. */
  readonly start: number
  readonly end: number
}

/** Yields the boxes between two places of a file, as far as they are sound. */
export function* readBoxes(view: DataView, start: number, end: number): Generator<Box> {
  for (let at = start; at + 8 <= end;) {
    const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)))
    const short = view.getUint32(at)
    // 1: the length follows, in eight bytes. 0: the box goes on to the end.
    const header = short === 1 ? 16 : 8
    if (at + header > end) return
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? end - at : short
    if (length < header) return
    yield { type, at, header, start: at + header, end: Math.min(end, at + length) }
    at += length
  }
}
