import type { TargetSize } from '../../page/target-size.ts'
import type { Bitmap } from '../../prepare/bitmap.ts'
import { instantiateWithin, loadPdfjsDecoder, type PdfjsDecoder } from '../image/wasm.ts'
import { shrinkBits } from './bilevel.ts'

/** pdf.js's JBIG2, which is PDFium's, from its build of the image decoders, which has no types. */
interface ImageDecoders {
  readonly Jbig2Image: new () => Jbig2Image
}
interface Jbig2Image {
  /** Returns a bit for each pixel, set where it is white; each row begins with a byte. */
  decode(bytes: Uint8Array, width: number, height: number, globals: null): Promise<Uint8Array>
}
type CreateJbig2 = (options: {
  readonly instantiateWasm: (imports: object, resolve: (instance: WebAssembly.Instance) => void) => void
}) => Promise<object>

/** For what the decoder itself takes, and the symbols of a page. */
const BASE_BYTES = 64 * 2 ** 20
/** Of the page: what is decoded of it, and what is drawn of one region onto it. */
const BITMAPS = 3

/**
 * Decodes an image behind `JBIG2Decode` of any kind and reduces it to a size that is no larger than its own. Null for what is
 * damaged, and for what takes more memory than an image of its size can need.
 */
export async function decodeJbig2(
  content: Uint8Array,
  { width, height, isLightOnDark }: TargetSize & { readonly isLightOnDark: boolean },
  size: TargetSize,
): Promise<Bitmap | null> {
  const { decoders, module } = await (loading ??= loadPdfjsDecoder('jbig2.wasm'))
  const stride = (width + 7) >> 3
  const maxBytes = BASE_BYTES + 2 * content.length + BITMAPS * stride * height
  const image = Object.assign(new decoders.Jbig2Image(), {
    // Each image gets its own decoder, whose memory is bounded and ends with the image; pdf.js would keep one.
    _getModule: (create: CreateJbig2) =>
      create({ instantiateWasm: (imports, resolve) => resolve(instantiateWithin(module, imports, maxBytes)) }),
  })
  try {
    const bits = await image.decode(content, width, height, null)
    return bits.length < stride * height ? null : shrinkBits(bits, { width, height, stride, isLightOnDark }, size)
  } catch {
    return null
  }
}

/** Begun by the first image that comes. */
let loading: Promise<PdfjsDecoder<ImageDecoders>> | null = null
