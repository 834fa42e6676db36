/** Where a drawer asks for pieces of a document, and is given them: a file descriptor. */
export const PIECES_DESCRIPTOR = 4

/** The most that is asked for at once, in bytes. */
export const MAX_PIECE_BYTES = 256 * 1024

/** What an answer begins with: the bytes follow, or nothing. */
export const PIECE_FOLLOWS = 1
export const NO_PIECE = 0

/** A part of a document that a drawer wants. */
export interface PieceRequest {
  readonly documentId: string
  readonly position: number
  readonly size: number
}

/** A UUID. */
const ID_BYTES = 36
/** All requests have this length. */
export const REQUEST_BYTES = ID_BYTES + 16

/** Writes a request as bytes. */
export function encodeRequest({ documentId, position, size }: PieceRequest): Uint8Array {
  const bytes = Buffer.alloc(REQUEST_BYTES)
  bytes.write(documentId, 0, ID_BYTES, 'latin1')
  bytes.writeDoubleLE(position, ID_BYTES)
  bytes.writeDoubleLE(size, ID_BYTES + 8)
  return bytes
}

/** Reads a request from a drawer, which may be anything. */
export function decodeRequest(bytes: Buffer): PieceRequest {
  return {
    documentId: bytes.toString('latin1', 0, ID_BYTES),
    position: bytes.readDoubleLE(ID_BYTES),
    size: bytes.readDoubleLE(ID_BYTES + 8),
  }
}
