import type { Sharp } from 'sharp'
import { GatewayError } from '../../errors.ts'
import type { ImageLimits } from './memory.ts'

/** A file of one or more images, whose headers have been read. No pixel is decoded yet. */
export interface ImageFile {
  readonly pageCount: number
  /** Returns one image, 1-based, as its header states it. Throws `page_too_large` and `document_unreadable`. */
  page(number: number): Promise<ImagePage>
}

/** One image of a file, its size checked. */
export interface ImagePage {
  /** Pixels, the image's orientation applied. */
  readonly width: number
  readonly height: number
  /** Returns the upright pixels as sharp's input, not shrunk yet; alpha and deep channels may remain. */
  decode(): Promise<Sharp>
  /** The image fits into memory only if its decoder reduces it. */
  readonly shrinksOnLoad?: boolean
}

/** Opens the bytes of one format. Throws `document_unreadable`, and `page_too_large` for the only image of a file. */
export type OpenImageFile = (bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits) => Promise<ImageFile>

/** Makes a file of a single image. */
export function singleImage(page: ImagePage): ImageFile {
  return { pageCount: 1, page: async () => page }
}

/** Throws `page_too_large` when an image has more pixels than may be decoded, by its header. */
export function assertDecodable(width: number, height: number, maxImagePixels: number): void {
  if (width * height <= maxImagePixels) return
  const message = `The image is ${width} × ${height} pixels; at most ${maxImagePixels} pixels are decoded. Send it at a lower resolution.`
  throw new GatewayError('page_too_large', message)
}

/** Makes the failure of an image that cannot be decoded. `cause` is for the log. */
export function unreadableImage(cause: unknown): GatewayError {
  const message =
    'The image is damaged, cut off or of a rare kind, and cannot be decoded. Send it again, or save it as PNG first.'
  return new GatewayError('document_unreadable', message, { cause })
}

/** Awaits a decoder. Throws `document_unreadable` when it fails. */
export async function decoded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof GatewayError ? error : unreadableImage(error)
  }
}
