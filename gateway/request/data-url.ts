import { GatewayError } from '../errors.ts'

/** The bytes of a base64 text, and what its data URL says of them. */
export interface InlineData {
  readonly bytes: Uint8Array
  readonly mediaType: string | null
  /** The parameter `name` or `filename`. */
  readonly filename: string | null
}

/** Names of files in a data URL's parameters may be long, and escaped three letters for one. */
const MAX_HEAD_LENGTH = 4096

/** Tells whether a text begins with a scheme, as `https:`, `file:`, `s3:` and `data:` do; `C:` is a drive. */
export function isAddress(text: string): boolean {
  return /^\s*[a-z][a-z0-9+.-]{1,30}:/i.test(text.slice(0, 64))
}

const DATA_SCHEME = /^\s*data:/i

/** Throws `url_not_allowed` for an address of any scheme but `data:`. */
export function refuseAddress(text: string, param: string): void {
  if (!isAddress(text) || DATA_SCHEME.test(text.slice(0, 64))) return
  throw new GatewayError(
    'url_not_allowed',
    'This gateway fetches no addresses, whatever their scheme. Send the document itself, as a base64 data URL.',
    { param },
  )
}

/**
 * Decodes a data URL or bare base64 (standard or URL-safe, padded or not). Throws `invalid_base64`,
 * `document_too_large` before anything is decoded, `url_not_allowed` for any other address.
 */
export function decodeInline(text: string, param: string, maxBytes: number): InlineData {
  refuseAddress(text, param)
  const head = DATA_SCHEME.exec(text.slice(0, 64))
  if (head === null) return { bytes: decodeBase64(text, param, maxBytes), mediaType: null, filename: null }
  const parameters = text.slice(head[0].length, head[0].length + MAX_HEAD_LENGTH)
  // A file name among the parameters may hold a comma; before the first parameter there is none.
  const mark = /^([^,;]*)((?:;[^]*?)??);\s*base64\s*,/i.exec(parameters)
  if (mark === null) {
    throw new GatewayError(
      'invalid_base64',
      'A data URL must look like "data:application/pdf;base64,…": its document in base64, with at most 4096 characters before it.',
      { param },
    )
  }
  const [all, type = '', said = ''] = mark
  return {
    bytes: decodeBase64(text.slice(head[0].length + all.length), param, maxBytes),
    // LlamaIndex writes `data:None;base64,` where it does not know.
    mediaType: /^[\w.+-]+\/[\w.+-]+$/.test(type.trim()) ? type.trim().toLowerCase() : null,
    filename: filenameIn(said),
  }
}

function filenameIn(parameters: string): string | null {
  const value = /;\s*(?:file)?name\s*=\s*("[^"]*"|[^;]*)/i.exec(parameters)?.[1]?.replace(/^"(.*)"$/, '$1')
  if (value === undefined || value === '') return null
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function decodeBase64(text: string, param: string, maxBytes: number): Uint8Array {
  if (Math.floor((text.length * 3) / 4) > maxBytes + 3) throw documentTooLarge(param, maxBytes)
  // Buffer skips characters that are not base64 and stops at "=", so a result that is too short for the text's length
  // means that the text is not base64. A regular expression over 100 MB would cost more than the decoding.
  const bytes = decodeWhole(text) ?? decodeWhole(withoutEscapes(text))
  if (bytes === null) {
    throw new GatewayError('invalid_base64', 'The document is not valid base64. Encode its bytes again, whole.', {
      param,
    })
  }
  if (bytes.byteLength > maxBytes) throw documentTooLarge(param, maxBytes)
  return bytes
}

/** Leaves out line breaks, and turns `%2B` into `+`: a data URL may be escaped like any other. */
function withoutEscapes(text: string): string {
  const unescaped = text.includes('%')
    ? text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text
  return unescaped.replace(/\s+/g, '')
}

function decodeWhole(text: string): Uint8Array | null {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = text.length - padding
  if (length % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return null
  const bytes = Buffer.from(text, 'base64')
  return bytes.byteLength === Math.floor((length * 3) / 4) ? bytes : null
}

function documentTooLarge(param: string, maxBytes: number): GatewayError {
  return new GatewayError(
    'document_too_large',
    `The document is larger than ${maxBytes} bytes. Split it, or raise GATEWAY_MAX_DOCUMENT_BYTES.`,
    { param },
  )
}
