import { readSync, readvSync, writeSync } from 'node:fs'
import { GatewayError } from '../errors.ts'
import type { DocumentBytes } from './document-bytes.ts'
import { encodeRequest, MAX_PIECE_BYTES, PIECE_FOLLOWS, PIECES_DESCRIPTOR } from './piece-request.ts'

/** What is read around a place that is wanted. */
const PIECE_BYTES = 128 * 1024
/** Of all documents of a drawer together. */
const KEPT_PIECES = 8

interface Piece {
  of: DocumentBytes | null
  position: number
  content: Uint8Array
  readonly room: Uint8Array
}

/** The one that was used last comes first. */
const kept: Piece[] = []

/** Returns the bytes of a document of the gateway's, which is asked for them when they are read. Only for the thread that draws. */
export function piecedBytes(documentId: string, length: number): DocumentBytes {
  const bytes: DocumentBytes = {
    length,
    from(position) {
      if (position >= length) return new Uint8Array()
      const begin = position - (position % PIECE_BYTES)
      const piece = pieceAt(begin) ?? fetchedPiece(begin)
      return piece.content.subarray(position - begin)
    },
    *parts(overlap) {
      const room = new Uint8Array(overlap + MAX_PIECE_BYTES)
      for (let [at, held] = [0, 0]; at + held < length;) {
        const size = Math.min(MAX_PIECE_BYTES, length - at - held)
        read(documentId, at + held, room.subarray(held, held + size))
        yield { at, content: room.subarray(0, held + size) }
        const left = Math.max(0, held + size - overlap)
        room.copyWithin(0, left, held + size)
        at += left
        held += size - left
      }
    },
    copy() {
      const all = new Uint8Array(length)
      for (let at = 0; at < length; at += MAX_PIECE_BYTES) {
        read(documentId, at, all.subarray(at, at + MAX_PIECE_BYTES))
      }
      return all
    },
  }

  function pieceAt(begin: number): Piece | null {
    const index = kept.findIndex(({ of, position }) => of === bytes && position === begin)
    if (index > 0) kept.unshift(...kept.splice(index, 1))
    return index === -1 ? null : kept[0]!
  }

  function fetchedPiece(begin: number): Piece {
    const room = kept.length < KEPT_PIECES ? new Uint8Array(PIECE_BYTES) : kept.pop()!.room
    const content = room.subarray(0, Math.min(PIECE_BYTES, length - begin))
    read(documentId, begin, content)
    const piece = { of: bytes, position: begin, content, room }
    kept.unshift(piece)
    return piece
  }

  return bytes
}

/** Waits for bytes without working. Where they cannot be had, the gateway knows why, and says it in place of this thread. */
function read(documentId: string, position: number, into: Uint8Array): void {
  const status = new Uint8Array(1)
  try {
    writeSync(PIECES_DESCRIPTOR, encodeRequest({ documentId, position, size: into.length }))
    let filled = readvSync(PIECES_DESCRIPTOR, [status, into]) - status.length
    while (status[0] === PIECE_FOLLOWS && filled < into.length) {
      const more = readSync(PIECES_DESCRIPTOR, into, filled, into.length - filled, null)
      // The gateway has gone.
      if (more === 0) throw lost()
      filled += more
    }
  } catch (cause) {
    throw lost(cause)
  }
  if (status[0] !== PIECE_FOLLOWS) throw lost()
}

function lost(cause?: unknown): GatewayError {
  return new GatewayError('document_unreadable', 'The document can no longer be read.', { cause })
}
