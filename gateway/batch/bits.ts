/** Tells whether a line has its bit set. */
export function hasBit(bits: Uint8Array, line: number): boolean {
  return ((bits[line >> 3] ?? 0) & (1 << (line & 7))) !== 0
}

/** Sets the bit of a line; returns whether it was not set before. */
export function setBit(bits: Uint8Array, line: number): boolean {
  if (hasBit(bits, line)) return false
  bits[line >> 3] = (bits[line >> 3] ?? 0) | (1 << (line & 7))
  return true
}

/** Returns so many bits, all of them set. */
export const allSet = (count: number): Uint8Array => new Uint8Array(Math.ceil(count / 8)).fill(0xff)
