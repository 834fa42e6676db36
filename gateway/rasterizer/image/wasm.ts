/** TypeScript declares WebAssembly only together with a browser's DOM. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<WasmModule>
  readonly Instance: new (module: WasmModule, imports: unknown) => WasmInstance
  readonly Memory: new (...parameters: never[]) => WasmMemory
}

interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** A decoder's code, compiled once for the thread. */
export type WasmModule = object

/** A decoder with a memory of its own. */
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }

/** Bytes of a page of WebAssembly memory. */
const WASM_PAGE = 65_536

/** Compiles a decoder. */
export function compileWasm(bytes: Uint8Array): Promise<WasmModule> {
  return WebAssembly.compile(bytes)
}

/**
 * Instantiates a decoder whose memory never grows beyond `maxBytes`: a request for more throws, and the decoder fails.
 * Its glue code must grow the memory through JavaScript, as Emscripten's does.
 */
export function instantiateWithin(module: WasmModule, imports: unknown, maxBytes: number): WasmInstance {
  const instance = new WebAssembly.Instance(module, imports)
  for (const exported of Object.values(instance.exports))
    if (exported instanceof WebAssembly.Memory) limitMemory(exported, maxBytes)
  return instance
}

function limitMemory(memory: WasmMemory, maxBytes: number): void {
  const grow = memory.grow.bind(memory)
  memory.grow = function growWithin(pages) {
    const wanted = memory.buffer.byteLength + pages * WASM_PAGE
    if (wanted > maxBytes) throw new RangeError(`a decoder asked for ${wanted} bytes of at most ${maxBytes}`)
    return grow(pages)
  }
}
