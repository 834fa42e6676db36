import { GatewayError } from '../errors.ts'
import { decodeBase64 } from './base64.ts'
import { beginningOf, skipCharacters, type JsonText } from './json-text.ts'

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

/** Tells whether a text is an address of something that is elsewhere. */
export function isElsewhere(text: string): boolean {
  return isAddress(text) && !DATA_SCHEME.test(text.slice(0, 64))
}

/**
 * Decodes a data URL or bare base64 (standard or URL-safe, padded or not). Throws `invalid_base64`,
 * `document_too_large` without decoding more than that.
 */
export async function decodeInline(text: JsonText, param: string, maxBytes: number): Promise<InlineData> {
  const beginning = beginningOf(text, 64 + MAX_HEAD_LENGTH)
  const head = DATA_SCHEME.exec(beginning.slice(0, 64))
  if (head === null) return { bytes: await decode(text, param, maxBytes), mediaType: null, filename: null }
  const parameters = beginning.slice(head[0].length, head[0].length + MAX_HEAD_LENGTH)
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
  const from = skipCharacters(text, head[0].length + all.length)
  return {
    bytes: await decode({ ...text, from }, param, maxBytes),
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

async function decode(text: JsonText, param: string, maxBytes: number): Promise<Uint8Array> {
  const decoded = await decodeBase64(text, maxBytes)
  if (decoded === 'too-large') throw documentTooLarge(param, maxBytes)
  if (decoded === 'invalid') {
    throw new GatewayError('invalid_base64', 'The document is not valid base64. Encode its bytes again, whole.', {
      param,
    })
  }
  return decoded
}

/** Returns the refusal of a document that came with the request, and is too large. */
export function documentTooLarge(param: string, maxBytes: number): GatewayError {
  return new GatewayError(
    'document_too_large',
    `The document is larger than ${maxBytes} bytes. Split it, or raise GATEWAY_MAX_DOCUMENT_BYTES.`,
    { param },
  )
}
