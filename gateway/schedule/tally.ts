/** Counts of the last while, by name, in buckets of time. */
export interface Tally<Name extends string> {
  add(name: Name, amount?: number): void
  /** What was counted in so many of the latest buckets, the one that is being filled included. */
  sum(name: Name, buckets: number): number
  /** One count for each bucket, the oldest first; the last one is being filled. */
  series(name: Name): number[]
}

/** How long a tally remembers. */
export interface TallyOptions {
  readonly buckets: number
  readonly bucketMs: number
  /** Milliseconds that never run backwards. */
  readonly now?: () => number
}

/** Creates a tally; it keeps as many numbers as it has buckets, however much is counted, and needs no timer. */
export function createTally<Name extends string>({
  buckets,
  bucketMs,
  now = () => performance.now(),
}: TallyOptions): Tally<Name> {
  const counts = new Map<Name, Float64Array>()
  let latest = Math.floor(now() / bucketMs)

  /** Empties the buckets whose time has come again; returns which one is being filled. */
  function turn(): number {
    const at = Math.floor(now() / bucketMs)
    const passed = Math.min(buckets, at - latest)
    for (let step = 0; step < passed; step++) {
      for (const each of counts.values()) each[(at - step) % buckets] = 0
    }
    latest = at
    return at
  }

  const read = (name: Name, age: number): number => counts.get(name)?.[(latest - age) % buckets] ?? 0
  return {
    add(name, amount = 1) {
      const at = turn()
      const known = counts.get(name) ?? new Float64Array(buckets)
      counts.set(name, known)
      known[at % buckets] = (known[at % buckets] ?? 0) + amount
    },
    sum(name, some) {
      turn()
      let total = 0
      // Before the process was so old, there was nothing.
      for (let age = 0; age < Math.min(some, buckets, latest + 1); age++) total += read(name, age)
      return total
    },
    series(name) {
      turn()
      return Array.from({ length: buckets }, (_, index) => {
        const age = buckets - 1 - index
        return age > latest ? 0 : read(name, age)
      })
    },
  }
}
