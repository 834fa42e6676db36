// Gotenberg 8, `POST /forms/libreoffice/convert`: https://gotenberg.dev/docs/convert-with-libreoffice/convert-to-pdf
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { Client } from 'undici'
import { GatewayError } from '../../errors.ts'
import { sniffMediaType } from '../../rasterizer/media-type.ts'
import type { ByteBudget, Reservation } from '../../schedule/byte-budget.ts'
import { hopOf, type Hop } from '../download/hop.ts'
import { receive } from '../download/receive.ts'
import { connectionBroke, notAPdf, passwordWanted, refusal, tooLargePdf } from './conversion-failure.ts'
import type { LookedAt } from './looked-at.ts'
import type { OfficeFormat } from './office-format.ts'

/** A document that is to become a PDF. */
export interface ToConvert {
  readonly bytes: LookedAt
  readonly format: OfficeFormat
  /** The request field that held it. */
  readonly param: string
  readonly password: string | null
}

/** What a document became. */
export interface Converted {
  /** A PDF. */
  readonly bytes: Uint8Array
  /** Of the original, in hexadecimal. */
  readonly sha256: string
  /** The PDF's part of the memory of bodies: whoever holds the bytes gives it back. */
  readonly reservation: Reservation
}

/** Where documents are converted, and the bounds of that. */
export interface GotenbergOptions {
  /** Of the server, without the path of its endpoint; a user name and a password in it are sent to it. */
  readonly url: URL
  readonly maxPdfBytes: number
  readonly budget: ByteBudget
  /** How long a PDF that has begun to come may stand still. */
  readonly idleSeconds: number
  /** How long a conversion may take. */
  readonly maxSeconds: number
}

const CONNECT_TIMEOUT = 10_000
const PIECE_BYTES = 256 * 1024

/**
 * Has one document converted, on a connection of its own, which is closed when the signal fires. The bytes go out as they
 * are read, and the PDF comes back within the memory of bodies. A password is sent only to a document that asks for one.
 * Throws what `conversion-failure.ts` makes, `queue_full`, and the signal's reason.
 */
export async function convertByGotenberg(
  document: ToConvert,
  key: string | null,
  options: GotenbergOptions,
  signal: AbortSignal,
): Promise<Converted> {
  try {
    return await attempt(document, null, key, options, signal)
  } catch (error) {
    // A password for a document that has none is an error to Gotenberg, and a request has one for all its documents.
    if (document.password === null || !isPasswordWanted(error)) throw error
    return attempt(document, document.password, key, options, signal)
  }
}

const isPasswordWanted = (error: unknown): boolean =>
  error instanceof GatewayError && error.code === 'document_encrypted'

async function attempt(
  document: ToConvert,
  password: string | null,
  key: string | null,
  options: GotenbergOptions,
  signal: AbortSignal,
): Promise<Converted> {
  const { param } = document
  const form = formOf(document, password)
  const client = new Client(options.url.origin, {
    connect: { timeout: CONNECT_TIMEOUT },
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  try {
    const path = `${options.url.pathname.replace(/\/+$/, '')}/forms/libreoffice/convert`
    const headers = { ...form.headers, ...authorizationOf(options.url) }
    const answer = await client.request({ method: 'POST', path, headers, body: form.body, signal })
    await using hop = hopOf(client, options.url, answer)
    if (hop.status !== 200) throw await refused(hop, password, param)
    const { maxPdfBytes: maxBytes } = options
    const limits = { ...options, maxBytes, tooLarge: () => tooLargePdf(maxBytes, param), key }
    const { bytes, reservation } = await receive(hop, { url: options.url, param }, limits, signal)
    const sha256 = form.sha256()
    if (sha256 !== null && sniffMediaType(bytes) === 'application/pdf') return { bytes, sha256, reservation }
    reservation.release()
    throw notAPdf(param)
  } catch (error) {
    signal.throwIfAborted()
    throw connectionBroke(error, param)
  } finally {
    form.body.destroy()
    await client.destroy()
  }
}

/** Returns the header that a user name and a password in an address become; none without them. */
export function authorizationOf({ username, password }: URL): { readonly authorization?: string } {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** A form with one file; its name is of the gateway's making, as the server goes by its ending. */
function formOf({ bytes, format }: ToConvert, password: string | null) {
  const boundary = `ocr-gateway-${randomUUID()}`
  const field =
    password === null ? '' : `--${boundary}\r\nContent-Disposition: form-data; name="password"\r\n\r\n${password}\r\n`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="document.${format.extension}"\r\nContent-Type: ${format.mediaType}\r\n\r\n`
  const before = Buffer.from(field + head)
  const after = Buffer.from(`\r\n--${boundary}--\r\n`)
  const hash = createHash('sha256')
  let sha256: string | null = null
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    yield before
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      const piece = await bytes.read(Math.min(PIECE_BYTES, bytes.length - from), from)
      hash.update(piece)
      yield piece
    }
    sha256 = hash.digest('hex')
    yield after
  }
  const body = Readable.from(pieces(), { objectMode: false })
  // It is destroyed with its connection, and nobody may be reading it then.
  body.on('error', () => {})
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(before.length + bytes.length + after.length),
      'user-agent': 'ocr-gateway',
    },
    body,
    /** Null where the document has not gone out as a whole. */
    sha256: () => sha256,
  }
}

/** What Gotenberg says of a failure is a line of text. */
const MAX_SAID_BYTES = 2048

async function refused(hop: Hop, password: string | null, param: string): Promise<GatewayError> {
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of hop.body as AsyncIterable<Uint8Array>) {
      pieces.push(piece)
      length += piece.length
      if (length >= MAX_SAID_BYTES) break
    }
  } catch {
    // The status says enough.
  }
  const said = Buffer.concat(pieces).toString('utf8', 0, MAX_SAID_BYTES)
  const isAboutPassword = hop.status === 400 && /password/i.test(said)
  return isAboutPassword ? passwordWanted(password, param) : refusal(hop, param)
}
