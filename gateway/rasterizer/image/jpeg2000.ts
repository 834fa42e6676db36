import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { GatewayError } from '../../errors.ts'
import { assertDecodable, decoded, singleImage, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { readJpeg2000Header } from './jpeg2000-header.ts'
import type { Jpeg2000Header } from './jpeg2000-header.ts'
import { compileWasm, instantiateWithin } from './wasm.ts'
import type { WasmInstance, WasmModule } from './wasm.ts'

/** pdf.js's OpenJPEG, from its build of the image decoders, which has no types. */
interface ImageDecoders {
  readonly JpxImage: new () => JpxImage
}
interface JpxImage {
  /** Without a number of components it converts to RGBA by the image's own colour space, 8 bits each. */
  decode(bytes: Uint8Array, options: { numComponents: 0; smaskInData: boolean }): Promise<Uint8ClampedArray | null>
}
type CreateOpenJpeg = (options: {
  readonly instantiateWasm: (imports: unknown, resolve: (instance: WasmInstance) => void) => void
  readonly warn: () => void
}) => Promise<object>

/** OpenJPEG keeps four bytes for each sample: of the tile, of the image, and of the image with finer components. */
const BYTES_PER_SAMPLE = 12
const BASE_BYTES = 64 * 2 ** 20

/** What the binary can address at most. */
const MAX_BYTES = 2 ** 31

/** Opens a JPEG 2000 image: a JP2 file or a bare codestream. OpenJPEG, as pdf.js brings it, decodes it. */
export async function openJpeg2000(bytes: Uint8Array<ArrayBuffer>, maxImagePixels: number): Promise<ImageFile> {
  const header = readJpeg2000Header(bytes)
  const { width, height, components } = header
  assertDecodable(width, height, maxImagePixels)
  const maxBytes = BASE_BYTES + 2 * bytes.length + BYTES_PER_SAMPLE * components * width * height
  if (maxBytes > MAX_BYTES) throw tooManySamples(header)
  return singleImage({ width, height, decode: () => decoded(decode(bytes, header, maxBytes)) })
}

function tooManySamples({ width, height }: Jpeg2000Header): GatewayError {
  const message = `The JPEG 2000 image is ${width} × ${height} pixels with all their channels: more than its decoder can hold. Send it at a lower resolution, or as PNG.`
  return new GatewayError('page_too_large', message)
}

async function decode(
  bytes: Uint8Array<ArrayBuffer>,
  { width, height, hasAlpha }: Jpeg2000Header,
  maxBytes: number,
): Promise<Sharp> {
  const { decoders, module } = await (loading ??= loadOpenJpeg())
  const image = Object.assign(new decoders.JpxImage(), {
    // Each image gets its own OpenJPEG, whose memory is bounded and ends with the image; pdf.js would keep one.
    _getModule: (create: CreateOpenJpeg) =>
      create({
        instantiateWasm: (imports, resolve) => resolve(instantiateWithin(module, imports, maxBytes)),
        warn() {},
      }),
  })
  const pixels = await image.decode(bytes, { numComponents: 0, smaskInData: hasAlpha })
  const channels = (pixels?.length ?? 0) / (width * height)
  if (pixels === null || (channels !== 1 && channels !== 3 && channels !== 4)) {
    throw unreadableImage(new Error(`OpenJPEG gave ${pixels?.length} bytes for ${width} × ${height} pixels`))
  }
  return sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
}

let loading: Promise<{ readonly decoders: ImageDecoders; readonly module: WasmModule }> | null = null

/** Loads the decoder with the first JPEG 2000 image that comes. */
async function loadOpenJpeg() {
  const { resolve } = createRequire(import.meta.url)
  const name: string = 'pdfjs-dist/image_decoders/pdf.image_decoders.mjs'
  const decoders: ImageDecoders = await import(name)
  return { decoders, module: await compileWasm(await readFile(resolve('pdfjs-dist/wasm/openjpeg.wasm'))) }
}
