import type { PageClaim, PageStore } from '../cache/page-store.ts'
import type { Flights, ReadPage } from './flights.ts'
import type { PageAnswer } from './page-answer.ts'
import type { PageToRead } from './page-to-read.ts'
import { readStored, writeStored } from './stored-answer.ts'

/** Returns the answer for a key: a stored one, one that another request is reading now, or the result of `read`. */
export type Once = (key: string, page: PageToRead, signal: AbortSignal, read: ReadPage) => Promise<PageAnswer>

/**
 * Creates a `once` over a store. Only whole, good answers are stored: no fallbacks, ended with `stop`, and not empty
 * unless the page is blank. With `cache: 'off'` the store is neither read nor written, and no flight is joined. When
 * another replica is reading the page, waits for it, and reads the page here if that replica has stored no answer.
 *
 * Confidence is no part of the key: an answer that has it serves every request; a stored answer without it is a miss
 * for a request that wants it.
 */
export function createOnce(store: PageStore, flights: Flights): Once {
  return async function once(key, page, signal, read) {
    if (page.cache === 'off') return read(page, signal)
    // The store is read inside the flight. Read before it, a page could miss, find the flight over, and be read twice.
    return flights.join(key, page, signal, (shared, own) => readOrFind(store, key, shared, own, read))
  }
}

/** Returns the answers of pages that are known; null for those that must be read, or are being read. Never throws. */
export type FindKnown = (pages: readonly PageToRead[], signal: AbortSignal) => Promise<(PageAnswer | null)[]>

/**
 * Creates what looks pages up together by their page keys, before any of them is begun: a page that is known takes no
 * flight. What it does not find is looked up again by whoever reads the page.
 */
export function createFindKnown(store: PageStore, flights: Flights): FindKnown {
  return async function findKnown(pages, signal) {
    // A page that is being read anew is joined: its old answer is on its way out.
    const wanted = pages.filter((page) => page.cache === 'use' && !flights.isFlying(page.key))
    const answers = await readStored(store, wanted, signal)
    if (wanted.length === pages.length) return answers
    const found = new Map(wanted.map((page, index) => [page, answers[index] ?? null]))
    return pages.map((page) => found.get(page) ?? null)
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
    // Not awaited: the caller must not wait for the store.
    void writeStored(store, key, page, fresh)
    return fresh
  } finally {
    claim?.release()
  }
}

/** A stored answer; or none, and then the claim with which the page may be read, if the store has claims. */
type Found =
  { readonly answer: PageAnswer; readonly claim: null } | { readonly answer: null; readonly claim: PageClaim | null }

/**
 * Looks for a stored answer, and waits for a replica that is reading the page, for as long as a claim may last. A
 * `refresh` does neither.
 */
async function find(store: PageStore, key: string, page: PageToRead, signal: AbortSignal): Promise<Found> {
  const { claims } = store
  if (page.cache !== 'use') return { answer: null, claim: (await claims?.take(key, page.turn)) ?? null }
  const kept = await readOne(store, key, page, signal)
  signal.throwIfAborted()
  if (kept !== null) return { answer: kept, claim: null }
  if (claims === undefined) return { answer: null, claim: null }
  const until = performance.now() + claims.longestMs
  let end: 'ended' | 'ignored' = 'ended'
  for (let cache: 'hit' | 'joined' = 'hit'; ; cache = 'joined') {
    // The claim is taken before the store is read: a replica stores its answer before it releases its claim.
    const [claim, answer] = await Promise.all([claims.take(key, page.turn), readOne(store, key, page, signal)])
    const isOwn = claim !== null || end === 'ignored'
    if (answer === null && isOwn && !signal.aborted) return { answer, claim }
    claim?.release()
    signal.throwIfAborted()
    if (answer !== null) return { answer: { ...answer, cache }, claim: null }
    end = await claims.waitForEnd(key, page.turn, until, signal)
  }
}

async function readOne(
  store: PageStore,
  key: string,
  page: PageToRead,
  signal: AbortSignal,
): Promise<PageAnswer | null> {
  const [answer = null] = await readStored(store, [{ key, question: page.question }], signal)
  return answer
}
