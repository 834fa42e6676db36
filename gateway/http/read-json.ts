import { GatewayError } from '../errors.ts'
import type { GatewayContext } from './context.ts'
import type { RequestBody } from '../request/context.ts'
import { isNestedDeeper } from './json-depth.ts'
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
  // A page of any site may send the forms of HTML, and text, without asking first. What declares nothing is no page's.
  if (type !== '' && !JSON_TYPE.test(type)) {
    throw new GatewayError(
      'unsupported_media_type',
      `The body is declared as ${type.split(';', 1)[0]?.slice(0, 100)}. Send JSON, with the header "Content-Type: application/json"; documents are base64 data URLs in it.`,
    )
  }
}

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** Reads Node's own stream: a web `Request` around it, with a stream of its own, costs as much as all the rest. */
async function readBytes(c: GatewayContext, maxBytes: number): Promise<Buffer> {
  const announced = Number(c.req.header('content-length') ?? 0)
  if (announced > maxBytes) throw bodyTooLarge(maxBytes)
  askForBody(c)
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

/** Tells a client that waits for it to send its body: only now, when nothing has refused the request without it. */
function askForBody(c: GatewayContext): void {
  const { incoming, outgoing } = c.env
  const waits = incoming.httpVersion !== '1.0' && /100-continue/i.test(incoming.headers.expect ?? '')
  if (waits) outgoing.writeContinue()
}

function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The request body is larger than ${maxBytes} bytes. Send fewer or smaller documents, or raise GATEWAY_MAX_BODY_BYTES.`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** No honest request comes near it, and code that recurses over what a client sent does not run out of stack. */
const MAX_LEVELS = 200

function parseOutline(outlined: Buffer, bytes: Buffer): unknown {
  let outline: unknown
  try {
    outline = JSON.parse(utf8.decode(outlined))
  } catch {
    // Only the whole text shows where the fault is.
    return parse(bytes)
  }
  return checkDepth(outline)
}

function parse(bytes: Buffer): unknown {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new GatewayError('invalid_json', `The request body is not valid JSON${hint(bytes, cause)}.`)
  }
  return checkDepth(value)
}

function checkDepth(value: unknown): unknown {
  if (!isNestedDeeper(value, MAX_LEVELS)) return value
  throw new GatewayError('invalid_json', `The request body is nested more than ${MAX_LEVELS} levels deep.`)
}

// V8's message quotes the text around the fault, which may be a document's: only the position is passed on.
function hint(bytes: Buffer, cause: unknown): string {
  if (bytes.byteLength === 0) return ': it is empty'
  if (!(cause instanceof SyntaxError)) return ': it is not UTF-8'
  const position = /at position (\d+)/.exec(cause.message)?.[1]
  return position === undefined ? '' : `, at character ${position}`
}
