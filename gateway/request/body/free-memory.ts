/** Smaller buffers may share their memory with others. */
const MIN_OWN_BYTES = 1024 * 1024

/** Gives the memory of a body back at once: the garbage collector may not come by for minutes. Nothing may use it any more. */
export function freeMemory({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= MIN_OWN_BYTES) buffer.transfer(0)
}
