import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { badRequest, httpError } from './fake-vllm-errors.ts'
import { readPageBarcode } from './page-barcode.ts'

/** What the fake saw of a page image, after decoding it as vLLM would. */
export interface SeenImage {
  readonly width: number
  readonly height: number
  /** Of the encoded image: 1 for grayscale, 3 for colour, 4 with transparency. */
  readonly channels: number
  readonly format: string
  /** Of the encoded image. */
  readonly bytes: number
  /** Of the decoded pixels: two encodings of one picture have the same. */
  readonly sha256: string
  /** From the barcode across its top. */
  readonly pageNumber: number | null
}

/** `VLLM_MAX_IMAGE_PIXELS`. */
const MAX_IMAGE_PIXELS = 178_956_970

/**
 * Decodes an image URL as vLLM's media connector does (vllm/multimodal/media/connector.py): the declared type is
 * ignored, EXIF orientation applied, transparency laid on white. Throws the error that vLLM would answer.
 */
export async function decodeImageUrl(url: string): Promise<SeenImage> {
  if (/^https?:/.test(url)) {
    // The gateway never hands on a client's address. Were it to, this fake has no network to follow it.
    const { protocol, hostname, port } = new URL(url)
    const door = port === '' ? (protocol === 'https:' ? 443 : 80) : port
    const message = `Cannot connect to host ${hostname}:${door} ssl:default [Connect call failed ('${hostname}', ${door})]`
    throw httpError(500, 'InternalServerError', message, null)
  }
  if (url.startsWith('file:')) {
    const message = 'Cannot load local files without `--allowed-local-media-path`.'
    throw httpError(500, 'InternalServerError', message, null)
  }
  if (!url.startsWith('data:')) throw badRequest('The URL must be either a HTTP, data or file URL.')
  const comma = url.indexOf(',')
  if (comma < 0) throw badRequest(`Invalid data URL '${url}': missing ',' separator.`)
  const [, encoding] = url.slice('data:'.length, comma).split(';')
  if (encoding !== 'base64') {
    throw httpError(501, 'NotImplementedError', 'Only base64 data URLs are supported for now.', null)
  }
  const base64 = url.slice(comma + 1)
  if (/[^A-Za-z0-9+/=\s]/.test(base64)) throw badRequest('Non-base64 digit found')
  return decodeImage(Buffer.from(base64, 'base64'))
}

async function decodeImage(encoded: Buffer): Promise<SeenImage> {
  try {
    const image = sharp(encoded, { limitInputPixels: MAX_IMAGE_PIXELS })
    const { format, channels } = await image.metadata()
    const { data, info } = await image
      .autoOrient()
      .flatten({ background: '#fff' })
      .raw()
      .toBuffer({ resolveWithObject: true })
    return {
      width: info.width,
      height: info.height,
      channels: channels ?? info.channels,
      format: format ?? 'unknown',
      bytes: encoded.byteLength,
      sha256: createHash('sha256').update(data).digest('hex'),
      pageNumber: readPageBarcode({ data, ...info }),
    }
  } catch {
    throw badRequest('Failed to load image: cannot identify image file <_io.BytesIO object>')
  }
}
