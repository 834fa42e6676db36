import type { PageClaim, PageStore } from '../cache/page-store.ts'
import { createFlights, type ReadPage } from './flights.ts'
import type { PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'
import { readStored, writeStored } from './stored-answer.ts'

/** Returns the answer under a key: a stored one, that of a request which is reading it now, or what `read` reads. */
export type Once = (key: string, page: PageToRead, signal: AbortSignal, read: ReadPage) => Promise<PageAnswer>

/**
 * Creates a `once` over a store. Only whole, good answers are stored: ended with `stop`, and not empty unless the page is
 * blank. `cache: 'off'` neither reads, stores nor joins. A page that another replica is reading is waited for, and read
 * here when nothing came of it.
 *
 * A key says nothing of confidence: an answer that has it serves everyone; a stored answer without it is a miss for a
 * request that wants it.
 */
export function createOnce(store: PageStore): Once {
  const join = createFlights()
  return async function once(key, page, signal, read) {
    if (page.cache === 'off') return read(page, signal)
    // The store is read inside the flight: two who ask at once cannot both miss, one after the other's answer was stored.
    return join(key, page, signal, (shared, own) => readOrFind(store, key, shared, own, read))
  }
}

async function readOrFind(
  store: PageStore,
  key: string,
  page: PageToRead,
  signal: AbortSignal,
  read: ReadPage,
): Promise<PageAnswer> {
  const { answer, claim } = await find(store, key, page, signal)
  if (answer !== null) return answer
  try {
    const fresh = await read(page, signal)
    // Not awaited: the caller has its answer now, whatever the store does.
    void writeStored(store, key, page, fresh)
    return fresh
  } finally {
    claim?.release()
  }
}

/** What there is of a page: its answer, or leave to read it. */
type Found =
  { readonly answer: PageAnswer; readonly claim: null } | { readonly answer: null; readonly claim: PageClaim | null }

/** Looks for a page; waits for another replica that is reading it. A `refresh` waits for nobody. */
async function find(store: PageStore, key: string, page: PageToRead, signal: AbortSignal): Promise<Found> {
  const { claims } = store
  if (page.cache !== 'use') return { answer: null, claim: (await claims?.take(key)) ?? null }
  const kept = await readStored(store, key, page, signal)
  signal.throwIfAborted()
  if (kept !== null) return { answer: kept, claim: null }
  if (claims === undefined) return { answer: null, claim: null }
  for (let cache: 'hit' | 'joined' = 'hit'; ; cache = 'joined') {
    // In this order: who had the page until we took it has stored its answer.
    const [claim, answer] = await Promise.all([claims.take(key), readStored(store, key, page, signal)])
    if (answer === null && claim !== null && !signal.aborted) return { answer, claim }
    claim?.release()
    signal.throwIfAborted()
    if (answer !== null) return { answer: { ...answer, cache }, claim: null }
    await claims.waitForEnd(key, signal)
  }
}
