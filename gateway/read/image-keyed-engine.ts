import { createHash } from 'node:crypto'
import type { PageImage } from '../page/page.ts'
import type { Turn } from '../schedule/turn.ts'
import type { Engine, PagePrompt } from '../engine/engine.ts'

/**
 * Wraps an engine so that it knows pages by what they look like, in place of where they stand: their page key becomes the
 * image key. An engine that answers equal keys once then answers equal pages once, wherever they stand.
 *
 * A `refresh` reads a page image once for each request; the request's other pages with this image may have that answer.
 */
export function imageKeyedEngine(engine: Engine): Engine {
  // A request has one turn, the same object on all of its pages.
  const refreshed = new WeakMap<Turn, Set<string>>()

  function markRefreshed({ turn }: PagePrompt, key: string): void {
    const keys = refreshed.get(turn) ?? new Set()
    refreshed.set(turn, keys.add(key))
  }

  return async function* imageKeyed(prompt, signal) {
    const image = await prompt.image(signal)
    const shown = { ...prompt, image: async () => image }
    if (image.sha256 === undefined || prompt.cache === 'off') {
      yield* engine({ ...shown, cache: 'off' }, signal)
      return
    }
    const key = imageKey(prompt, image)
    const cache = refreshed.get(prompt.turn)?.has(key) === true ? 'use' : prompt.cache
    for await (const delta of engine({ ...shown, pageKey: key, cache }, signal)) {
      if (delta.type === 'end' && delta.finishReason === 'stop' && cache === 'refresh') markRefreshed(prompt, key)
      yield delta.type === 'end' ? { ...delta, imageKey: key } : delta
    }
  }
}

/** Returns the hash of a page image, all that is known of it included, and of everything else that decides its raw text. */
export function imageKey({ questionKey }: PagePrompt, image: PageImage): string {
  // The bytes are in `sha256`; a warning or a text layer of its own makes another page of it.
  const facts = JSON.stringify(image, (name, value: unknown) => (name === 'data' ? undefined : value))
  return createHash('sha256').update(`${questionKey} ${facts}`).digest('hex')
}
