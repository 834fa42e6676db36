import type { PageStore } from './page-store.ts'

/** Bounds of the in-memory store. */
export interface MemoryStoreOptions {
  /** All entries together, their keys and bookkeeping included. 0 stores nothing. */
  readonly maxBytes: number
  /** A larger value is left out. */
  readonly maxValueBytes: number
  readonly ttlSeconds: number
  /** Milliseconds that never run backwards. Default: the process's monotonic clock. */
  readonly now?: () => number
}

/** An estimate of what V8 keeps per entry beside key and value: the map's slot, the entry, the typed array and its buffer. */
const ENTRY_BYTES = 256

interface Entry {
  /** UTF-8 rather than a string: its size is exact, and no slice keeps a larger string alive. */
  readonly value: Uint8Array
  readonly bytes: number
  readonly expiresAt: number
}

/** Creates a PageStore in this process's memory: bounded by bytes, least recently used first out. */
export function createMemoryStore({ maxBytes, maxValueBytes, ttlSeconds, now }: MemoryStoreOptions): PageStore {
  const clock = now ?? (() => performance.now())
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  // A Map iterates in insertion order: an entry that is used is inserted anew, so the first one is the least recently used.
  const entries = new Map<string, Entry>()
  let totalBytes = 0

  function remove(pageKey: string, entry: Entry): void {
    entries.delete(pageKey)
    totalBytes -= entry.bytes
  }

  function find(pageKey: string): Entry | undefined {
    const entry = entries.get(pageKey)
    if (entry === undefined || clock() < entry.expiresAt) return entry
    remove(pageKey, entry)
    return undefined
  }

  function add(pageKey: string, value: Uint8Array): void {
    const bytes = value.byteLength + pageKey.length + ENTRY_BYTES
    const previous = entries.get(pageKey)
    if (previous !== undefined) remove(pageKey, previous)
    if (bytes > maxBytes) return
    for (const [oldestKey, oldest] of entries) {
      if (totalBytes + bytes <= maxBytes) break
      remove(oldestKey, oldest)
    }
    entries.set(pageKey, { value, bytes, expiresAt: clock() + ttlSeconds * 1000 })
    totalBytes += bytes
  }

  return {
    async get(pageKey) {
      const entry = find(pageKey)
      if (entry === undefined) return null
      entries.delete(pageKey)
      entries.set(pageKey, entry)
      return decoder.decode(entry.value)
    },
    async has(pageKeys) {
      return pageKeys.map((pageKey) => find(pageKey) !== undefined)
    },
    async set(pageKey, value) {
      // Measured before it is encoded, so that a huge value costs no copy.
      if (Buffer.byteLength(value) <= maxValueBytes) add(pageKey, encoder.encode(value))
    },
    async close() {
      entries.clear()
      totalBytes = 0
    },
  }
}
