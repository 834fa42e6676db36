import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { assertDecodable, decoded, singleImage, unreadableImage } from './file.ts'
import type { ImageFile } from './file.ts'
import { leaveOutMetadata } from './heif-items.ts'
import { assertFits, HELD } from './memory.ts'
import type { ImageLimits } from './memory.ts'
import { bytesPerPixel, openWithSharp, readMetadata } from './sharp.ts'
import { compileWasm, instantiateWithin } from './wasm.ts'

/** The part of libheif-js used here: libheif's functions as its Emscripten build names them. */
interface Libheif {
  readonly heif_error_code: { readonly heif_error_Ok: unknown }
  readonly heif_colorspace: { readonly heif_colorspace_RGB: unknown }
  readonly heif_chroma: { readonly heif_chroma_interleaved_RGBA: unknown }
  heif_context_alloc(): object
  heif_context_read_from_memory(
    context: object,
    bytes: Uint8Array,
  ): { readonly code: unknown; readonly message: string }
  heif_js_context_get_primary_image_handle(context: object): Answer
  heif_js_decode_image2(handle: object, colorspace: unknown, chroma: unknown): Answer & { readonly channels?: Plane[] }
}

/** A result, or a failure in its place. */
interface Answer {
  readonly code?: unknown
  readonly message?: string
}

/** Rows of pixels within the decoder's memory. */
interface Plane {
  readonly width: number
  readonly height: number
  /** Bytes from a row to the next. */
  readonly stride: number
  readonly data: Uint8Array
}

type CreateLibheif = (options: {
  readonly instantiateWasm: (imports: object, resolve: (instance: WebAssembly.Instance) => void) => object
  readonly print: () => void
  readonly printErr: () => void
}) => Libheif

/** Memory of a decoder: for itself, and for each pixel (measured: docs/decisions/2026-11-20-image-formats.md). */
const BASE_BYTES = 64 * 2 ** 20
const BYTES_PER_PIXEL = 16

/** Opens the primary image of a HEIF file: AV1 is decoded by sharp's libvips, HEVC by libheif with libde265. */
export async function openHeif(bytes: Uint8Array<ArrayBuffer>, limits: ImageLimits): Promise<ImageFile> {
  leaveOutMetadata(bytes)
  // sharp's libheif has no HEVC decoder, but it reads the container.
  const metadata = await readMetadata(bytes)
  const { compression, width, height, depth } = metadata
  const isDeep = depth !== 'uchar'
  if (compression === 'av1') return openWithSharp(bytes, limits, () => ({ held: isDeep ? HELD.deepAvif : HELD.avif }))
  assertDecodable(width, height, limits.maxImagePixels)
  assertFits({ width, height, held: isDeep ? HELD.deepHeic : HELD.heic, passed: bytesPerPixel(metadata) }, limits)
  return singleImage({
    width,
    height,
    decode: () => decoded(decode(bytes, BASE_BYTES + 2 * bytes.length + BYTES_PER_PIXEL * width * height)),
  })
}

async function decode(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<Sharp> {
  // A decoder serves one image, so that its memory, and any damage in it, ends with the image.
  const heif = createLibheif(await loadedLibheif(), maxBytes)
  const context = heif.heif_context_alloc()
  const { code, message } = heif.heif_context_read_from_memory(context, bytes)
  if (code !== heif.heif_error_code.heif_error_Ok) throw unreadableImage(new Error(message))
  const handle = succeeded(heif.heif_js_context_get_primary_image_handle(context))
  // Orientation and cropping are part of the container, and applied.
  const image = heif.heif_js_decode_image2(
    handle,
    heif.heif_colorspace.heif_colorspace_RGB,
    heif.heif_chroma.heif_chroma_interleaved_RGBA,
  )
  const plane = succeeded(image).channels?.[0]
  if (plane === undefined) throw unreadableImage(new Error('libheif gave no pixels'))
  const { width, height, stride, data } = plane
  // Shown where they lie: a copy would take as much again.
  const rows = sharp(data, { raw: { width: stride / 4, height, channels: 4 }, limitInputPixels: false })
  return stride === width * 4 ? rows : rows.extract({ left: 0, top: 0, width, height })
}

function succeeded<T extends Answer>(answer: T): T {
  if (answer.code === undefined) return answer
  throw unreadableImage(new Error(answer.message))
}

let loading: Promise<LoadedLibheif> | null = null

interface LoadedLibheif {
  readonly create: CreateLibheif
  readonly module: WebAssembly.Module
}

function loadedLibheif(): Promise<LoadedLibheif> {
  return (loading ??= loadLibheif())
}

/** Loads the decoder with the first HEIC that comes. */
async function loadLibheif(): Promise<LoadedLibheif> {
  const require = createRequire(import.meta.url)
  const create: CreateLibheif = require('libheif-js/libheif-wasm/libheif.js')
  const module = await compileWasm(await readFile(require.resolve('libheif-js/libheif-wasm/libheif.wasm')))
  return { create, module }
}

function createLibheif({ create, module }: LoadedLibheif, maxBytes: number): Libheif {
  return create({
    instantiateWasm(imports, resolve) {
      const instance = instantiateWithin(module, imports, maxBytes)
      resolve(instance)
      return instance.exports
    },
    print() {},
    printErr() {},
  })
}
