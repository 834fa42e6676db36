import { jsonPieces } from '../answer/json-pieces.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { GatewayContext } from './context.ts'

/** Answers with an object, which may be very large: others have their turn while it is written. */
export async function sendJson(c: GatewayContext, value: object): Promise<Response> {
  const pieces: Buffer[] = []
  for (const piece of jsonPieces(value)) {
    pieces.push(Buffer.from(piece))
    await shareLoop()
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const headers = { 'content-type': 'application/json', 'content-length': String(length) }
  return c.body(ReadableStream.from(pieces), 200, headers)
}
