import sharp from 'sharp'
import type { Sharp } from 'sharp'
import type { TargetSize } from '../../page/target-size.ts'
import { assertDecodable, decoded, singleImage, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { readJpeg2000Header } from './jpeg2000-header.ts'
import type { Jpeg2000Header } from './jpeg2000-header.ts'
import { doesNotFit, fits, HELD } from './memory.ts'
import type { ImageLimits } from './memory.ts'
import { instantiateWithin, loadPdfjsDecoder, type PdfjsDecoder } from './wasm.ts'

/** pdf.js's OpenJPEG, from its build of the image decoders, which has no types. */
interface ImageDecoders {
  readonly JpxImage: new () => JpxImage
}
interface JpxImage {
  /** Without a number of components it converts to RGBA by the image's own colour space, 8 bits each. */
  decode(
    bytes: Uint8Array,
    options: { numComponents: 0; smaskInData: boolean; reducePower: number },
  ): Promise<Uint8ClampedArray | null>
}
type CreateOpenJpeg = (options: {
  readonly instantiateWasm: (imports: object, resolve: (instance: WebAssembly.Instance) => void) => void
  readonly warn: () => void
}) => Promise<object>

/** OpenJPEG keeps four bytes for each sample: of the tile, of the image, and of the image with finer components. */
const BYTES_PER_SAMPLE = 12
const BASE_BYTES = 64 * 2 ** 20

/**
 * Opens a JPEG 2000 image: a JP2 file or a bare codestream. OpenJPEG, as pdf.js brings it, decodes it: where the whole
 * would take too much memory, at a half of its size or less, as its levels allow.
 */
export async function openJpeg2000(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  const header = readJpeg2000Header(bytes)
  const { width, height, components, sizes } = header
  assertDecodable(width, height, limits.maxImagePixels)
  const cost = { held: HELD.jpeg2000 + HELD.jpeg2000Sample * components, passed: 4, besides: 2 * bytes.length }
  const fitting = sizes.findIndex((size) => fits({ ...size, ...cost }, limits))
  const size = sizes[fitting]
  if (size === undefined)
    throw doesNotFit({ width, height, ...cost }, limits, 'Send it at a lower resolution, or as PNG.')
  const wanted = BASE_BYTES + 2 * bytes.length + BYTES_PER_SAMPLE * components * width * height
  const work = {
    ...size,
    reducePower: fitting,
    hasAlpha: header.hasAlpha,
    maxBytes: Math.min(wanted, limits.maxMemoryBytes),
  }
  return singleImage({ width, height, decode: () => decoded(decode(bytes, work)) })
}

interface Work extends TargetSize, Pick<Jpeg2000Header, 'hasAlpha'> {
  /** How often the image is halved. */
  readonly reducePower: number
  readonly maxBytes: number
}

async function decode(
  bytes: Uint8Array<ArrayBuffer>,
  { width, height, hasAlpha, reducePower, maxBytes }: Work,
): Promise<Sharp> {
  const { decoders, module } = await (loading ??= loadPdfjsDecoder('openjpeg.wasm'))
  const image = Object.assign(new decoders.JpxImage(), {
    // Each image gets its own OpenJPEG, whose memory is bounded and ends with the image; pdf.js would keep one.
    _getModule: (create: CreateOpenJpeg) =>
      create({
        instantiateWasm: (imports, resolve) => resolve(instantiateWithin(module, imports, maxBytes)),
        warn() {},
      }),
  })
  const pixels = await image.decode(bytes, { numComponents: 0, smaskInData: hasAlpha, reducePower })
  const channels = (pixels?.length ?? 0) / (width * height)
  if (pixels === null || (channels !== 1 && channels !== 3 && channels !== 4)) {
    throw unreadableImage(new Error(`OpenJPEG gave ${pixels?.length} bytes for ${width} × ${height} pixels`))
  }
  return sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
}

/** Begun by the first image that comes. */
let loading: Promise<PdfjsDecoder<ImageDecoders>> | null = null
