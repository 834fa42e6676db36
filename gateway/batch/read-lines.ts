import { createLineDigest } from './line-digest.ts'

/** A line of a batch's input, long strings cut. */
export interface ReadLine {
  /** Counted from 1, as editors do. */
  readonly number: number
  readonly offset: number
  readonly length: number
  /** Null: it holds too much beside its long strings. */
  readonly digest: Buffer | null
}

const NEWLINE = '\n'.charCodeAt(0)
const RETURN = '\r'.charCodeAt(0)
const SPACE = ' '.charCodeAt(0)
const TAB = '\t'.charCodeAt(0)
const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

/** Yields the lines of a file as it is read, but for empty ones. No line is held. */
export async function* readLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine, void, undefined> {
  const digest = createLineDigest()
  let number = 1
  let offset = 0
  let length = 0
  let at = 0
  const end = function* (): Generator<ReadLine, void, undefined> {
    const text = digest.end()
    if (text === null || !isBlank(text)) yield { number, offset, length, digest: text }
    number += 1
  }
  for await (const bytes of pieces) {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let from = at === 0 && startsWithMark(piece) ? BYTE_ORDER_MARK.length : 0
    if (at === 0) offset = from
    for (;;) {
      const newline = piece.indexOf(NEWLINE, from)
      const to = newline < 0 ? piece.length : newline
      digest.add(piece.subarray(from, to))
      length += to - from
      if (newline < 0) break
      yield* end()
      from = newline + 1
      offset = at + from
      length = 0
    }
    at += piece.length
  }
  if (length > 0) yield* end()
}

/** Editors of Windows write one. A file's first piece is never shorter than this, unless the file is. */
const startsWithMark = (piece: Buffer): boolean => piece.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)

function isBlank(text: Buffer): boolean {
  for (const byte of text) if (byte !== SPACE && byte !== TAB && byte !== RETURN) return false
  return true
}
