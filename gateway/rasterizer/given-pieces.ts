import type { Socket } from 'node:net'
import { decodeRequest, MAX_PIECE_BYTES, NO_PIECE, PIECE_FOLLOWS, REQUEST_BYTES } from './piece-request.ts'
import type { PieceRequest } from './piece-request.ts'
import type { SharedDocument } from './messages.ts'

/**
 * Smaller documents are sent whole: a drawer reads most of their bytes in any case, some of them twice. A larger one has many
 * pages, most often, of which each drawer draws some.
 */
const MAX_WHOLE_BYTES = 4 * 1024 * 1024
/** A drawer asks for a piece when it has read the one before, and the system may still count that. */
const MAX_UNSENT_BYTES = 2 * MAX_PIECE_BYTES

/** Whether drawers ask for the document piece by piece, and are not sent it whole. */
export function isInPieces({ mediaType, bytes }: Pick<SharedDocument, 'mediaType' | 'bytes'>): boolean {
  return mediaType === 'application/pdf' && bytes.length > MAX_WHOLE_BYTES
}

/** Returns a piece of a document. Throws where it has none such, and what reading it throws. */
export async function readPiece({ id, bytes }: SharedDocument, request: PieceRequest): Promise<Uint8Array> {
  const { documentId, position, size } = request
  const isWithin = Number.isSafeInteger(position) && position >= 0 && position + size <= bytes.length
  const isSmall = Number.isSafeInteger(size) && size > 0 && size <= MAX_PIECE_BYTES
  if (documentId !== id || !isWithin || !isSmall) throw new Error('a drawer asked for what its document has not')
  return bytes instanceof Uint8Array ? bytes.subarray(position, position + size) : bytes.read(size, position)
}

/**
 * Answers a drawer's requests. `find` returns the bytes of one, or null where they cannot be had; `onFlood` is called where a
 * drawer asks for more before it has read that.
 */
export function answerRequests(
  socket: Socket,
  find: (request: PieceRequest) => Promise<Uint8Array | null>,
  onFlood: () => void,
): void {
  let begun: Buffer = Buffer.alloc(0)
  let isAnswering = false
  socket.on('data', (bytes: Buffer) => {
    begun = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
    while (begun.length >= REQUEST_BYTES) {
      const request = decodeRequest(begun)
      begun = begun.subarray(REQUEST_BYTES)
      if (isAnswering || socket.writableLength > MAX_UNSENT_BYTES) return onFlood()
      void answer(request)
    }
  })

  async function answer(request: PieceRequest): Promise<void> {
    isAnswering = true
    const piece = await find(request)
    isAnswering = false
    socket.cork()
    socket.write(Buffer.of(piece === null ? NO_PIECE : PIECE_FOLLOWS))
    if (piece !== null) socket.write(piece)
    socket.uncork()
  }
}
