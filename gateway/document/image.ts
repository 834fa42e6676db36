import sharp from 'sharp'
import type { Metadata, SharpOptions } from 'sharp'
import { GatewayError } from '../errors.ts'
import type { PageSize } from '../page/page.ts'
import type { OpenedDocument } from './opened-document.ts'

/**
 * Opens an image as a document of one page: the first frame of an animation. Only the header is read here. Throws
 * `document_unreadable` and `page_too_large`. Only for rasterizer threads.
 */
export async function openImage(bytes: Uint8Array, maxImagePixels: number): Promise<OpenedDocument> {
  const size = pageSize(await readHeader(bytes), maxImagePixels)
  return {
    pageCount: 1,
    async draw(_page, sizeFor) {
      const { width, height } = sizeFor(size)
      const drawing = sharp(copied(bytes), { ...readingOptions, limitInputPixels: maxImagePixels })
        .autoOrient()
        // Decoding at a fraction of the size would not be the Lanczos reduction that the models were trained on.
        .resize({ width, height, fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
        .flatten({ background: '#ffffff' })
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
      const { data, info } = await drawing.toBuffer({ resolveWithObject: true }).catch(unreadable)
      const channels = info.channels === 1 ? 1 : 3
      return { bitmap: { pixels: data, width: info.width, height: info.height, channels }, rasterizer: 'sharp' }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Broken pixels fail the image; what decoders merely remark on (a stray byte between markers) does not. */
const readingOptions = { failOn: 'error', pages: 1 } as const satisfies SharpOptions

async function readHeader(bytes: Uint8Array): Promise<Metadata> {
  return sharp(copied(bytes), { ...readingOptions, limitInputPixels: false })
    .metadata()
    .catch(unreadable)
}

function pageSize({ width, height, autoOrient }: Metadata, maxImagePixels: number): PageSize {
  if (width * height > maxImagePixels) {
    const message = `The image is ${width} × ${height} pixels; at most ${maxImagePixels} pixels are decoded. Send it at a lower resolution.`
    throw new GatewayError('page_too_large', message)
  }
  return { width: autoOrient.width, height: autoOrient.height, unit: 'px' }
}

function unreadable(cause: unknown): never {
  const message = 'The image is damaged or cut off and cannot be decoded. Send it again, or save it anew first.'
  throw new GatewayError('document_unreadable', message, { cause })
}

/** sharp reads on another thread while the shared bytes belong to all. */
function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
