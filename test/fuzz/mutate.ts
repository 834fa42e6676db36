/** A small seeded generator of numbers in [0, 1): mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One way to damage a document. `other` is another document to take pieces from. */
type Mutation = (bytes: Uint8Array, random: () => number, other: Uint8Array) => Uint8Array

const integer = (random: () => number, below: number): number => Math.floor(random() * below)

const mutations: Readonly<Record<string, Mutation>> = {
  'bit flips': (bytes, random) => {
    const damaged = bytes.slice()
    for (let flips = 1 + integer(random, 40); flips > 0; flips--) {
      const at = integer(random, damaged.length)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << integer(random, 8))
    }
    return damaged
  },
  truncation: (bytes, random) => bytes.slice(0, 1 + integer(random, bytes.length - 1)),
  'a piece left out': (bytes, random) => {
    const from = integer(random, bytes.length)
    return joined(bytes.subarray(0, from), bytes.subarray(from + 1 + integer(random, 2000)))
  },
  'a piece twice': (bytes, random) => {
    const from = integer(random, bytes.length)
    const to = Math.min(bytes.length, from + 1 + integer(random, 5000))
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  splice: (bytes, random, other) =>
    joined(bytes.subarray(0, integer(random, bytes.length)), other.subarray(integer(random, other.length))),
  'another number': (bytes, random) => {
    // Sizes, counts and offsets are what parsers trust: a digit of some number becomes another.
    const damaged = bytes.slice()
    const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39
    for (let tries = 200, changes = 3; tries > 0 && changes > 0; tries--) {
      const at = integer(random, damaged.length)
      if (!isDigit(damaged[at])) continue
      damaged[at] = 0x30 + integer(random, 10)
      changes--
    }
    return damaged
  },
}

/** The names of all mutations. */
export const mutationNames = Object.keys(mutations)

/** Damages a document in the named way; the same seed gives the same damage. */
export function mutate(name: string, bytes: Uint8Array, random: () => number, other: Uint8Array): Uint8Array {
  const mutation = mutations[name]
  if (mutation === undefined) throw new Error(`there is no mutation ${name}`)
  return mutation(bytes, random, other)
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
