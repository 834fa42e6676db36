import { LRUCache } from 'lru-cache'
import type { PageStore } from './page-store.ts'

/** Bounds of the in-memory store. */
export interface MemoryStoreOptions {
  /** All entries together, their keys and bookkeeping included. 0 stores nothing. */
  readonly maxBytes: number
  /** A larger value is left out. */
  readonly maxValueBytes: number
  readonly ttlSeconds: number
  /** Milliseconds that never run backwards and are not 0. Default: the process's monotonic clock. */
  readonly now?: () => number
}

/**
 * An estimate of what V8 keeps per entry beside key and value: its place in the list, the typed array and its buffer.
 */
const ENTRY_BYTES = 256

/** Creates a PageStore in this process's memory: bounded by bytes, least recently used first out. */
export function createMemoryStore({ maxBytes, maxValueBytes, ttlSeconds, now }: MemoryStoreOptions): PageStore {
  const clock = now ?? (() => performance.now())
  // Looked at once a call, however many keys it has.
  let time = clock()
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  // UTF-8 rather than strings: the size is exact, and no slice keeps a larger string alive.
  const values = new LRUCache<string, Uint8Array>({
    // lru-cache takes 0 for "no bound". No entry fits into 1 byte.
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (value, pageKey) => value.byteLength + pageKey.length + ENTRY_BYTES,
    ttl: ttlSeconds * 1000,
    // Without this, lru-cache sets a timer for each look at the clock.
    ttlResolution: 0,
    perf: { now: () => time },
  })

  return {
    async get(pageKeys) {
      time = clock()
      return pageKeys.map((pageKey) => {
        const value = values.get(pageKey)
        return value === undefined ? null : decoder.decode(value)
      })
    },
    async has(pageKeys) {
      time = clock()
      return pageKeys.map((pageKey) => values.has(pageKey))
    },
    async set(pageKey, value) {
      time = clock()
      // Measured before it is encoded, so that a huge value costs no copy.
      if (Buffer.byteLength(value) <= maxValueBytes) values.set(pageKey, encoder.encode(value))
    },
    size: () => ({ entries: values.size, bytes: values.calculatedSize, most: maxBytes }),
    async close() {
      values.clear()
    },
  }
}
