import { GatewayError } from '../errors.ts'

/** The bytes of a base64 text, and the media type that its data URL declares. */
export interface InlineData {
  readonly bytes: Uint8Array
  readonly mediaType: string | null
}

const MAX_MEDIA_TYPE_LENGTH = 256

/**
 * Decodes a data URL or bare base64 (standard or URL-safe, padded or not). Throws `invalid_base64`,
 * `document_too_large` before anything is decoded, `url_not_allowed` for an HTTP URL.
 */
export function decodeInline(text: string, param: string, maxBytes: number): InlineData {
  if (/^https?:\/\//i.test(text)) {
    throw new GatewayError(
      'url_not_allowed',
      'This gateway does not fetch URLs. Send the document itself, as a base64 data URL.',
      { param },
    )
  }
  if (!/^data:/i.test(text)) return { bytes: decodeBase64(text, param, maxBytes), mediaType: null }
  const comma = text.slice(0, MAX_MEDIA_TYPE_LENGTH).indexOf(',')
  const head = comma < 0 ? '' : text.slice('data:'.length, comma)
  if (!/;base64$/i.test(head)) {
    throw new GatewayError('invalid_base64', 'A data URL must look like "data:application/pdf;base64,…".', { param })
  }
  const mediaType = head.split(';', 1)[0]?.toLowerCase() ?? ''
  return { bytes: decodeBase64(text.slice(comma + 1), param, maxBytes), mediaType: mediaType === '' ? null : mediaType }
}

function decodeBase64(text: string, param: string, maxBytes: number): Uint8Array {
  if (Math.floor((text.length * 3) / 4) > maxBytes + 3) throw documentTooLarge(param, maxBytes)
  // Buffer skips characters that are not base64 and stops at "=", so a result that is too short for the text's length
  // means that the text is not base64. A regular expression over 100 MB would cost more than the decoding.
  const bytes = decodeWhole(text) ?? decodeWhole(text.replace(/\s+/g, ''))
  if (bytes === null) {
    throw new GatewayError('invalid_base64', 'The document is not valid base64. Encode its bytes again, whole.', {
      param,
    })
  }
  if (bytes.byteLength > maxBytes) throw documentTooLarge(param, maxBytes)
  return bytes
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
