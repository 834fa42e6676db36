import type { ErrorCode } from '../errors.ts'
import type { BlobStore, OpenBlob } from '../files/blob-store.ts'
import type { BatchProblem } from './batch.ts'

/** What is wrong with a line: it is refused, and never run. */
export type LineProblem = Pick<BatchProblem, 'message' | 'param'> & { readonly code: ErrorCode }

/** Where a line stands in its file, and what is known of it before it is run. */
export interface IndexedLine {
  readonly offset: number
  readonly length: number
  readonly customId: string | null
  readonly problem: LineProblem | null
}

/** The lines of a batch's input, so that any of them can be read without reading those before it. */
export interface LineIndex {
  readonly lines: number
  line(index: number): Promise<IndexedLine>
}

/** Three numbers: where the line begins, its length, and where what else is known of it begins. */
const RECORD_BYTES = 24
const NUMBER_BYTES = 8
/** So many are written at a time. */
const WRITTEN_BYTES = 64 * 1024
/** An index of more bytes is not held, but read again for each line. */
const MAX_HELD_BYTES = 8 * 1024 * 1024

/** Writes an index: what is known of the lines as they come, then a table. */
export async function* indexPieces(lines: AsyncIterable<IndexedLine>): AsyncGenerator<Buffer, void, undefined> {
  let table = Buffer.alloc(RECORD_BYTES * 1024)
  let count = 0
  let at = 0
  let pieces: Buffer[] = []
  let waiting = 0
  for await (const { offset, length, customId, problem } of lines) {
    if ((count + 1) * RECORD_BYTES > table.length) table = Buffer.concat([table, Buffer.alloc(table.length)])
    for (const [place, number] of [offset, length, at].entries()) {
      table.writeDoubleLE(number, count * RECORD_BYTES + place * NUMBER_BYTES)
    }
    const known = Buffer.from(JSON.stringify([customId, problem]))
    count += 1
    at += known.length
    pieces.push(known)
    waiting += known.length
    if (waiting < WRITTEN_BYTES) continue
    yield Buffer.concat(pieces, waiting)
    pieces = []
    waiting = 0
  }
  yield Buffer.concat(pieces, waiting)
  yield table.subarray(0, count * RECORD_BYTES)
}

/** Opens the index of so many lines; null where there is none. */
export async function openIndex(blobs: BlobStore, name: string, lines: number): Promise<LineIndex | null> {
  await using blob = await blobs.open(name)
  if (blob === null) return null
  const { length } = blob
  const table = await bytesOf(blob, lines * RECORD_BYTES, length - lines * RECORD_BYTES)
  const held = length <= MAX_HELD_BYTES ? await bytesOf(blob, length, 0) : null
  const numberAt = (index: number, place: number): number =>
    table.readDoubleLE(index * RECORD_BYTES + place * NUMBER_BYTES)
  const endOf = (index: number): number => (index + 1 < lines ? numberAt(index + 1, 2) : length - lines * RECORD_BYTES)

  async function read(from: number, to: number): Promise<Buffer> {
    if (held !== null) return held.subarray(from, to)
    await using again = await blobs.open(name)
    if (again === null) throw new Error(`The index ${name} is gone.`)
    return bytesOf(again, to - from, from)
  }
  return {
    lines,
    async line(index) {
      const known = await read(numberAt(index, 2), endOf(index))
      const [customId, problem] = JSON.parse(known.toString()) as [string | null, LineProblem | null]
      return { offset: numberAt(index, 0), length: numberAt(index, 1), customId, problem }
    },
  }
}

async function bytesOf(blob: OpenBlob, length: number, from: number): Promise<Buffer> {
  const bytes = await blob.read(length, from)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
