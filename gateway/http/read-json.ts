import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import type { RequestBody } from '../request/context.ts'
import { jsonOutline } from './json-outline.ts'
import { repeatedName } from './repeated-name.ts'

/** A request body: its bytes as they came, and what they say. `value` throws `invalid_json` for a fault in what the outline leaves out. */
export interface JsonBody extends RequestBody {
  readonly bytes: Buffer
}

/** Smaller bodies are parsed whole at once. */
const MIN_OUTLINED_BYTES = 64 * 1024

/** Reads a JSON body of at most `maxBytes`. Throws `body_too_large` before reading more than that, `invalid_json`. */
export async function readJson(c: GatewayContext, maxBytes: number): Promise<JsonBody> {
  refuseOtherForms(c)
  const bytes = await readBytes(c, maxBytes)
  c.get('record').bytes = bytes.byteLength
  const isWhole = bytes.byteLength < MIN_OUTLINED_BYTES
  const outlined = isWhole ? bytes : jsonOutline(bytes)
  const outline = isWhole ? parse(bytes) : parseOutline(outlined, bytes)
  return {
    bytes,
    outline,
    value: () => (isWhole ? outline : parse(bytes)),
    repeatedName: () => repeatedName(utf8.decode(outlined), outline),
  }
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

/** Reads Node's own stream: a web `Request` around it, with a stream of its own, costs as much as all the rest. */
async function readBytes(c: GatewayContext, maxBytes: number): Promise<Buffer> {
  const announced = Number(c.req.header('content-length') ?? 0)
  if (announced > maxBytes) throw bodyTooLarge(maxBytes)
  const pieces: Buffer[] = []
  let length = 0
  // Not destroyed on return: the socket must still send the error response. Listeners instead of the loop would be a
  // little faster, but would hold the body for as long as the request lives.
  for await (const piece of c.env.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.byteLength
    if (length > maxBytes) throw bodyTooLarge(maxBytes)
    pieces.push(piece)
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, length)
}

function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The request body is larger than ${maxBytes} bytes. Send fewer or smaller documents, or raise GATEWAY_MAX_BODY_BYTES.`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseOutline(outlined: Buffer, bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(outlined))
  } catch {
    // Only the whole text shows where the fault is.
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
