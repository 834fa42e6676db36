/** Bytes of a page of WebAssembly memory. */
const WASM_PAGE = 65_536

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
