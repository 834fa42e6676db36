import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium'
import { offerFonts } from './fonts.ts'
import { paintWork, type PaintRows } from './paint.ts'
import { pixelWork, type PixelWork, ROOM_BEYOND } from './pixels.ts'

/** The part of Emscripten's own functions used here; the package's types for them need `@types/emscripten`. */
interface Runtime {
  readonly HEAPU8: Uint8Array<ArrayBuffer>
  readonly wasmExports: Readonly<Record<string, unknown>> & {
    readonly memory: object
    readonly malloc: (size: number) => number
    readonly free: (address: number) => void
  }
  addFunction(callback: (...parameters: number[]) => number, signature: string): number
  removeFunction(callback: number): void
}

type Imports = Record<string, Record<string, unknown>>

/** One instance of PDFium with its own memory: a failure inside breaks this instance alone. */
export interface Pdfium {
  readonly library: WrappedPdfiumModule
  /**
   * Set by the code that catches what PDFium threw: the state of its memory is unknown, and the instance not used
   * again.
   */
  isBroken: boolean
  /** A view that the next call may detach: the memory moves when it grows. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer>
  floats(address: number, length: number): Float32Array
  integers(address: number, length: number): Int32Array
  /** The address is a multiple of eight, as those of `allocate` are. */
  doubles(address: number, length: number): Float64Array
  /** Allocates PDFium's memory, until it is disposed of. */
  allocate(size: number): Room
  /** Makes a function that PDFium can call, until it is disposed of; `ii` takes one integer and returns one. */
  callback(run: (...parameters: number[]) => number, signature: string): Callback
  /** Returns the index of a function that PDFium asks whether to give up: as `isAbandoned` says, until the next call. */
  abandoning(isAbandoned: () => boolean): number
  /** What is done to all pixels of a drawing. */
  readonly pixels: PixelWork
  /** Paints images that were decoded in this memory. */
  readonly paint: PaintRows
  /** Memory for one page's pixels, of which there are `count`. It is reused, as one page is drawn at a time. */
  pixelRoom(count: number): number
  /** Allocates memory for other pixels, until it is disposed of. */
  allocatePixels(count: number): Room
}

interface Room extends Disposable {
  readonly address: number
}

interface Callback extends Disposable {
  readonly index: number
}

/** Thrown when PDFium returns a failure; its instance stays usable. */
export class PdfiumRefusal extends Error {}

let current: Promise<Pdfium> | null = null

/** Returns this thread's instance, or a new one when that is broken. Beyond `maxMemoryBytes` an instance breaks. */
export async function loadPdfium(maxMemoryBytes: number): Promise<Pdfium> {
  if (current !== null && !(await current).isBroken) return current
  return (current = instantiate(maxMemoryBytes))
}

async function instantiate(maxMemoryBytes: number): Promise<Pdfium> {
  const wasm = await readFile(fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm')))
  const overrides = {
    print() {},
    printErr() {},
    instantiateWasm(imports: Imports, resolve: (instance: unknown) => void) {
      limitMemory(imports, maxMemoryBytes)
      // Compiled anew by each drawer, in a few milliseconds.
      void WebAssembly.instantiate(wasm, imports).then(({ instance }) => resolve(instance))
      return {}
    },
  }
  const library = await init(overrides)
  library.PDFiumExt_Init()
  const pdfium = wrap(library)
  offerFonts(pdfium)
  return pdfium
}

/** The binary's own limit is 2 GiB. Beyond this one an allocation fails, which PDFium survives or breaks at. */
function limitMemory(imports: Imports, maxMemoryBytes: number): void {
  const environment = imports['env'] as unknown as { emscripten_resize_heap: (size: number) => number }
  const grow = environment.emscripten_resize_heap
  environment.emscripten_resize_heap = (size) => (size >>> 0 > maxMemoryBytes ? 0 : grow(size))
}

/**
 * What is called for each object and character of a page. The package's wrappers, which convert strings and booleans,
 * take longer than such a call; without them, a boolean result is 0 or 1.
 */
const UNWRAPPED = [
  'FPDFPageObj_GetType',
  'FPDFPageObj_GetBounds',
  'FPDFPageObj_GetMatrix',
  'FPDFPageObj_GetFillColor',
  'FPDFPageObj_GetStrokeColor',
  'FPDFPageObj_GetClipPath',
  'FPDFPageObj_CountMarks',
  'FPDFPageObj_SetIsActive',
  'FPDFPageObj_HasTransparency',
  'FPDFPage_GetObject',
  'FPDFFormObj_GetObject',
  'FPDFPath_GetDrawMode',
  'FPDFTextObj_GetTextRenderMode',
  'FPDFTextObj_GetFontSize',
  'FPDFClipPath_CountPaths',
  'FPDFText_GetUnicode',
  'FPDFText_GetCharBox',
  'FPDFText_GetMatrix',
  'FPDFText_GetTextObject',
  'FPDFText_IsGenerated',
  'FPDFText_HasUnicodeMapError',
] as const satisfies readonly (keyof WrappedPdfiumModule)[]

function wrap(wrapped: WrappedPdfiumModule): Pdfium {
  const runtime = wrapped.pdfium as unknown as Runtime
  const unwrapped = Object.fromEntries(UNWRAPPED.map((name) => [name, runtime.wasmExports[name]]))
  const library: WrappedPdfiumModule = { ...wrapped, ...unwrapped }
  const { malloc, free, memory } = runtime.wasmExports
  let room = { address: 0, size: 0 }
  let isAbandonedNow: (() => boolean) | null = null
  let asksIndex: number | null = null
  const allocated = (size: number) => {
    const address = malloc(size)
    if (address === 0) throw new PdfiumRefusal(`no memory for ${size} bytes`)
    return address
  }
  const allocate = (size: number): Room => {
    const address = allocated(size)
    return { address, [Symbol.dispose]: () => free(address) }
  }
  return {
    library,
    isBroken: false,
    bytes: (address, length) => runtime.HEAPU8.subarray(address, address + length),
    floats: (address, length) => new Float32Array(runtime.HEAPU8.buffer, address, length),
    integers: (address, length) => new Int32Array(runtime.HEAPU8.buffer, address, length),
    doubles: (address, length) => new Float64Array(runtime.HEAPU8.buffer, address, length),
    allocate,
    callback(run, signature) {
      const index = runtime.addFunction(run, signature)
      return { index, [Symbol.dispose]: () => runtime.removeFunction(index) }
    },
    abandoning(isAbandoned) {
      isAbandonedNow = isAbandoned
      // To make one takes a quarter of a millisecond.
      return (asksIndex ??= runtime.addFunction(() => (isAbandonedNow?.() === true ? 1 : 0), 'ii'))
    },
    pixels: pixelWork(memory),
    paint: paintWork(memory),
    pixelRoom(count) {
      const size = sizeOf(count)
      if (room.size < size) {
        free(room.address)
        room = { address: 0, size: 0 }
        room = { address: allocated(size), size }
      }
      return room.address
    },
    allocatePixels: (count) => allocate(sizeOf(count)),
  }
}

const sizeOf = (count: number): number => 4 * count + ROOM_BEYOND
