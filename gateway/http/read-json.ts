import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import { jsonOutline } from './json-outline.ts'

/** A request body: its bytes as they came, and what they say. */
export interface JsonBody {
  readonly bytes: Buffer
  /** What the body says, with an ellipsis in place of long strings, which nobody may ever need. */
  readonly outline: unknown
  /** What the body says, whole. Throws `invalid_json` for a fault in what the outline leaves out. */
  readonly value: () => unknown
}

/** Smaller bodies are parsed whole at once. In bytes. */
const OUTLINED_BYTES = 64 * 1024

/** Reads a JSON body of at most `maxBytes`. Throws `body_too_large` before reading more than that, `invalid_json`. */
export async function readJson(c: GatewayContext, maxBytes: number): Promise<JsonBody> {
  refuseOtherForms(c)
  const bytes = await readBytes(c, maxBytes)
  c.get('record').bytes = bytes.byteLength
  const whole = bytes.byteLength < OUTLINED_BYTES ? { value: parse(bytes) } : null
  if (whole !== null) return { bytes, outline: whole.value, value: () => whole.value }
  return { bytes, outline: parseOutline(bytes), value: () => parse(bytes) }
}

function refuseOtherForms(c: GatewayContext): void {
  const type = c.req.header('content-type') ?? ''
  const encoding = c.req.header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new GatewayError('unsupported_media_type', `The body is ${encoding}-encoded. Send it uncompressed.`)
  }
  if (/^multipart\//i.test(type)) {
    throw new GatewayError(
      'unsupported_media_type',
      'The body is multipart. Send JSON, with documents as base64 data URLs.',
    )
  }
}

/** From Node's stream itself: around it, a web `Request` with a stream of its own costs as much as all the rest. */
function readBytes(c: GatewayContext, maxBytes: number): Promise<Buffer> {
  const announced = Number(c.req.header('content-length') ?? 0)
  if (announced > maxBytes) throw bodyTooLarge(maxBytes)
  const { incoming } = c.env
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const pieces: Buffer[] = []
  let length = 0
  incoming.on('data', (piece: Buffer) => {
    length += piece.byteLength
    if (length <= maxBytes) pieces.push(piece)
    else reject(bodyTooLarge(maxBytes))
  })
  incoming.once('end', () =>
    resolve(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, length)),
  )
  incoming.once('close', () => reject(incoming.errored ?? new Error('The body ended before it was whole.')))
  incoming.once('error', reject)
  return promise
}

function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The request body is larger than ${maxBytes} bytes. Send fewer or smaller documents, or raise GATEWAY_MAX_BODY_BYTES.`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseOutline(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(jsonOutline(bytes)))
  } catch {
    // Where the fault lies, only the whole text tells.
    return parse(bytes)
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new GatewayError('invalid_json', `The request body is not valid JSON${hint(bytes, cause)}.`, {})
  }
}

// V8's message quotes the text around the fault, which may be a document's: only the position is passed on.
function hint(bytes: Buffer, cause: unknown): string {
  if (bytes.byteLength === 0) return ': it is empty'
  if (!(cause instanceof SyntaxError)) return ': it is not UTF-8'
  const position = /at position (\d+)/.exec(cause.message)?.[1]
  return position === undefined ? '' : `, at character ${position}`
}
