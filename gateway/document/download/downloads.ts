import { GatewayError } from '../../errors.ts'
import { sniffMediaType } from '../../rasterizer/media-type.ts'
import type { ByteBudget, Reservation } from '../../schedule/byte-budget.ts'
import { startTimeLimit } from '../../schedule/time-limit.ts'
import { describeBytes } from '../media-type.ts'
import type { Source, SourceFacts } from '../source.ts'
import { nameOf, parseAddress, type ListedHost } from './address.ts'
import type { ConnectionRules } from './connection.ts'
import { downloadFailed, type Fetched } from './failure.ts'
import { request, type Hop } from './hop.ts'
import { receive, type Received } from './receive.ts'
import type { Resolve } from './resolve.ts'

/** How documents are downloaded. */
export interface DownloadOptions {
  /** Hosts that may be private. */
  readonly listed: readonly ListedHost[]
  readonly resolve: Resolve
  readonly maxDocumentBytes: number
  /** All downloads of one request together. */
  readonly maxRequestBytes: number
  readonly budget: ByteBudget
  /** How long a server may be silent. */
  readonly idleSeconds: number
  /** How long a download may take, redirects included. */
  readonly maxSeconds: number
  readonly onEnd: (download: EndedDownload) => void
}

/** What became of a download: `left` where its request ended before it. */
export type DownloadOutcome = 'ok' | 'refused' | 'too_large' | 'failed' | 'left'

/** A download that has ended. */
export interface EndedDownload {
  /** Of the address that the client sent; no log may hold more of it. */
  readonly host: string
  readonly outcome: DownloadOutcome
  readonly bytes: number
  readonly seconds: number
}

/** Finds the documents that one request names by address. */
export type Downloads = (address: string, facts: SourceFacts) => Promise<Source>

const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Returns what makes the downloads of a request, by the name of its API key. */
export function createDownloads(options: DownloadOptions): (key: string | null) => Downloads {
  return (key) => {
    const request: Request = { key, left: options.maxRequestBytes }
    return async (address, facts) => {
      const url = parsed(address, facts, options)
      let held: Reservation | null = null
      return {
        ...facts,
        filename: facts.filename ?? filenameIn(url),
        async open(signal) {
          const received = await observed(url, options, signal, () => download(url, facts, options, request, signal))
          held = received.reservation
          return received.bytes
        },
        // Hundreds of documents may be there, and wait for their turn to be opened.
        onOpened: () => held?.release(),
      }
    }
  }
}

function parsed(address: string, { param }: SourceFacts, { listed, onEnd }: DownloadOptions): URL {
  try {
    return parseAddress(address, null, { listed, param })
  } catch (error) {
    const url = URL.parse(address)
    onEnd({ host: url === null ? '' : nameOf(url), outcome: 'refused', bytes: 0, seconds: 0 })
    throw error
  }
}

/** What the downloads of one request share. */
interface Request {
  readonly key: string | null
  /** How many bytes they may still bring. */
  left: number
}

/** Returns the last part of a path, which errors may be clearer with. */
function filenameIn({ pathname }: URL): string | null {
  const name = pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(name) || null
  } catch {
    return name
  }
}

async function download(
  address: URL,
  { param }: SourceFacts,
  options: DownloadOptions,
  shared: Request,
  signal: AbortSignal,
): Promise<Received> {
  const { idleSeconds, maxSeconds } = options
  const rules: ConnectionRules = { ...options, param }
  const late = (): Error => downloadFailed({ url: address, param }, 'took too long', { retry: true })
  using limit = startTimeLimit(maxSeconds * 1000, late, signal)
  let url = address
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    await using hop = await request(url, rules, idleSeconds, limit.signal)
    const next = redirectOf(hop, rules)
    if (next === null) return await documentOf(hop, rules, options, shared, limit.signal)
    url = next
  }
  throw downloadFailed({ url, param }, `redirects more than ${MAX_REDIRECTS} times`, { retry: false })
}

/** Returns where an answer leads to; null where it is the last. */
function redirectOf(hop: Hop, rules: ConnectionRules): URL | null {
  const { status, url } = hop
  const location = hop.header('location')
  return REDIRECTS.has(status) && location !== null ? parseAddress(location, url, rules) : null
}

async function documentOf(
  hop: Hop,
  { param }: ConnectionRules,
  options: DownloadOptions,
  shared: Request,
  signal: AbortSignal,
): Promise<Received> {
  const fetched = { url: hop.url, param }
  const { status } = hop
  if (status !== 200 && status !== 203) {
    throw downloadFailed(fetched, `answered with status ${status}`, { retry: isPassing(status) })
  }
  const encoding = hop.header('content-encoding')?.trim().toLowerCase() ?? ''
  if (encoding !== '' && encoding !== 'identity') {
    // What a few bytes unpack to has no bound, and a document is compressed already.
    throw downloadFailed(fetched, `sends it in a content encoding, though it was asked not to`, { retry: false })
  }
  const maxBytes = Math.min(options.maxDocumentBytes, shared.left)
  const tooLarge = (): GatewayError => tooMuch(options, maxBytes, param)
  const received = await receive(hop, fetched, { ...options, key: shared.key, maxBytes, tooLarge }, signal)
  shared.left -= received.bytes.length
  if (!isWebPage(received.bytes, hop)) return received
  received.reservation.release()
  throw webPage(fetched)
}

/** Tells whether another try may meet another answer. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

function tooMuch({ maxDocumentBytes, maxRequestBytes }: DownloadOptions, maxBytes: number, param: string) {
  const message =
    maxBytes === maxDocumentBytes
      ? `The document is larger than ${maxBytes} bytes. Split it, or raise GATEWAY_MAX_DOCUMENT_BYTES.`
      : `The documents that the request names by address are together larger than ${maxRequestBytes} bytes. Send fewer in each request.`
  return new GatewayError('document_too_large', message, { param })
}

/** What the server declares it as counts only where the bytes are no document. */
function isWebPage(bytes: Uint8Array, hop: Hop): boolean {
  if (bytes.length === 0 || sniffMediaType(bytes) !== null) return false
  return (
    describeBytes(bytes) === 'an HTML page' ||
    /^\s*(?:text\/html|application\/xhtml)/i.test(hop.header('content-type') ?? '')
  )
}

function webPage({ url, param }: Fetched): GatewayError {
  const message = `${nameOf(url)} answered with a web page, and not with a document: perhaps a page to log in, or one around the document. Send the address of the file itself.`
  return new GatewayError('unsupported_media_type', message, { param })
}

async function observed(
  url: URL,
  { onEnd }: DownloadOptions,
  signal: AbortSignal,
  run: () => Promise<Received>,
): Promise<Received> {
  const startedAt = performance.now()
  const ended = (outcome: DownloadOutcome, bytes = 0): void => {
    onEnd({ host: nameOf(url), outcome, bytes, seconds: (performance.now() - startedAt) / 1000 })
  }
  try {
    const received = await run()
    ended('ok', received.bytes.length)
    return received
  } catch (error) {
    ended(signal.aborted ? 'left' : outcomeOf(error))
    throw error
  }
}

function outcomeOf(error: unknown): DownloadOutcome {
  const code = error instanceof GatewayError ? error.code : null
  if (code === 'document_too_large') return 'too_large'
  return code === 'url_not_allowed' || code === 'unsupported_media_type' ? 'refused' : 'failed'
}
