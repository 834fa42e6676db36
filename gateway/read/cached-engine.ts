import type { PageClaim, PageStore } from '../cache/page-store.ts'
import type { Engine, PagePrompt } from '../engine/engine.ts'
import { joinedEngine } from './joined-engine.ts'
import { readAnswer, writeAnswer } from './stored-answer.ts'
import type { StoredAnswer } from './stored-answer.ts'

/**
 * Wraps an engine so that it asks the store first, and joins a page already in flight. Only whole, good answers are
 * stored: ended with `stop`, and not empty unless the page is blank. `cache: 'off'` neither reads, stores nor joins.
 *
 * A page that another replica is computing is waited for, and computed here when nothing came of it.
 *
 * The page key says nothing of confidence: an answer that has it serves everyone, one without is a miss to who asks for it.
 */
export function cachedEngine(engine: Engine, store: PageStore): Engine {
  // The store is read inside the flight: two who ask at once cannot both miss, one after the other's answer was stored.
  const shared = joinedEngine(storedEngine(engine, store))
  return function cached(prompt, signal) {
    return prompt.cache === 'off' ? engine(prompt, signal) : shared(prompt, signal)
  }
}

function storedEngine(engine: Engine, store: PageStore): Engine {
  return async function* stored(prompt, signal) {
    const { answer, cache, claim } = await find(store, prompt, signal)
    if (answer !== null) {
      const { v: _, isConfidenceFinal: __, text, ...end } = answer
      yield { type: 'text', text }
      yield { type: 'end', ...end, isFallback: false, cache }
      return
    }
    let text = ''
    try {
      for await (const delta of engine(prompt, signal)) {
        if (delta.type === 'text') text += delta.text
        else {
          // Not awaited: the caller has its answer now, whatever the store does.
          void writeAnswer(store, prompt, text, delta)
          claim?.release()
        }
        yield delta
      }
    } finally {
      claim?.release()
    }
  }
}

/** What there is of a page: its answer, or leave to compute it. */
type Found =
  | { readonly answer: StoredAnswer; readonly cache: 'hit' | 'joined'; readonly claim: null }
  | { readonly answer: null; readonly cache: 'miss'; readonly claim: PageClaim | null }

/** Looks for a page; waits for another replica that is computing it. A `refresh` waits for nobody. */
async function find(store: PageStore, prompt: PagePrompt, signal: AbortSignal): Promise<Found> {
  const { claims } = store
  if (prompt.cache !== 'use')
    return { answer: null, cache: 'miss', claim: (await claims?.take(prompt.pageKey)) ?? null }
  const kept = await readAnswer(store, prompt, signal)
  signal.throwIfAborted()
  if (kept !== null) return { answer: kept, cache: 'hit', claim: null }
  if (claims === undefined) return { answer: null, cache: 'miss', claim: null }
  for (let cache: 'hit' | 'joined' = 'hit'; ; cache = 'joined') {
    // In this order: who had the page until we took it has stored its answer.
    const [claim, answer] = await Promise.all([claims.take(prompt.pageKey), readAnswer(store, prompt, signal)])
    if (answer === null && claim !== null && !signal.aborted) return { answer, cache: 'miss', claim }
    claim?.release()
    signal.throwIfAborted()
    if (answer !== null) return { answer, cache, claim: null }
    await claims.waitForEnd(prompt.pageKey, signal)
  }
}
