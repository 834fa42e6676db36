import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** Bytes of a page of WebAssembly memory. */
const WASM_PAGE = 65_536

/** A decoder of pdf.js, from its build of the image decoders, and the WebAssembly that it runs. */
export interface PdfjsDecoder<Decoders> {
  readonly decoders: Decoders
  readonly module: WebAssembly.Module
}

/** Loads pdf.js's image decoders, which have no types, and the WebAssembly of one, `jbig2.wasm`. */
export async function loadPdfjsDecoder<Decoders>(wasm: string): Promise<PdfjsDecoder<Decoders>> {
  const { resolve } = createRequire(import.meta.url)
  const name: string = 'pdfjs-dist/image_decoders/pdf.image_decoders.mjs'
  const decoders: Decoders = await import(name)
  return { decoders, module: await compileWasm(await readFile(resolve(`pdfjs-dist/wasm/${wasm}`))) }
}

/** Compiles a decoder. */
export function compileWasm(bytes: Uint8Array): Promise<WebAssembly.Module> {
  return WebAssembly.compile(bytes)
}

/**
 * Instantiates a decoder whose memory never grows beyond `maxBytes`: a request for more throws, and the decoder fails.
 * Its glue code must grow the memory through JavaScript, as Emscripten's does.
 */
export function instantiateWithin(module: WebAssembly.Module, imports: object, maxBytes: number): WebAssembly.Instance {
  const instance = new WebAssembly.Instance(module, imports)
  for (const exported of Object.values(instance.exports))
    if (exported instanceof WebAssembly.Memory) limitMemory(exported, maxBytes)
  return instance
}

function limitMemory(memory: WebAssembly.Memory, maxBytes: number): void {
  const grow = memory.grow.bind(memory)
  memory.grow = function growWithin(pages) {
    const wanted = memory.buffer.byteLength + pages * WASM_PAGE
    if (wanted > maxBytes) throw new RangeError(`a decoder asked for ${wanted} bytes of at most ${maxBytes}`)
    return grow(pages)
  }
}
