import { readFileSync } from 'node:fs'

/** What every module of ours exports. */
interface Exports {
  readonly memory: WebAssembly.Memory
}

const PAGE = 65_536
/** Left free between pieces: modules read and write up to 32 bytes at a time. */
export const GAP = 64
/** Memory is kept for the next page up to so much, in bytes: enough for what is usual. */
const MAX_KEPT = 32 * 2 ** 20

/** Returns what makes instances of a module of ours, each with a memory of its own. It is compiled once. */
export function instances(file: URL): () => Readonly<Record<string, unknown>> {
  let module: WebAssembly.Module | null = null
  return () => {
    module ??= new WebAssembly.Module(readFileSync(file))
    return new WebAssembly.Instance(module).exports
  }
}

/** Returns an instance with so much memory: this one, or a new one where this has far more. What it held is lost. */
export function withMemory<Functions extends Exports>(
  known: Functions | null,
  fresh: () => Functions,
  bytes: number,
): Functions {
  const isTooLarge = known !== null && known.memory.buffer.byteLength > Math.max(MAX_KEPT, bytes)
  const instance = known === null || isTooLarge ? fresh() : known
  const missing = bytes - instance.memory.buffer.byteLength
  if (missing > 0) instance.memory.grow(Math.ceil(missing / PAGE))
  return instance
}

/** Gives out addresses, one piece behind the other. */
export function layOut(...sizes: readonly number[]): { readonly addresses: readonly number[]; readonly bytes: number } {
  let bytes = 0
  const addresses = sizes.map((size) => {
    const address = bytes
    bytes += Math.ceil((size + GAP) / 16) * 16
    return address
  })
  return { addresses, bytes }
}
