import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Release } from '../schedule/slots.ts'
import type { RedisPlaces } from './redis-places.ts'

/** The places of callers' pages, which all gateways of a Redis share. */
export interface SharedPlaces {
  /** Waits until a caller has less than `most` pages inside, in all gateways together. Throws the signal's reason. */
  take(name: string, most: number, signal: AbortSignal): Promise<Release>
  close(): void
}

/** A page that waits for a place. */
interface Waiter {
  readonly id: string
  readonly enter: () => void
}

/** The places of one caller, as this gateway knows them. */
interface Places {
  most: number
  readonly waiting: Set<Waiter>
  readonly held: Set<string>
  isAsking: boolean
}

/** Well before a place is free again, in milliseconds. */
const RENEW_EVERY = 4000
/** How often it is asked for places that others may have given back, in milliseconds. */
const ASK_EVERY = 50

/** Creates them. */
export function createSharedPlaces(redis: RedisPlaces): SharedPlaces {
  const all = new Map<string, Places>()

  function placesOf(name: string): Places {
    const known = all.get(name) ?? { most: 0, waiting: new Set(), held: new Set(), isAsking: false }
    all.set(name, known)
    return known
  }

  function forget(name: string, places: Places): void {
    if (places.waiting.size === 0 && places.held.size === 0 && all.get(name) === places) all.delete(name)
  }

  const timer = setInterval(() => {
    for (const [name, { held }] of all) if (held.size > 0) void renew(name, held, redis)
  }, RENEW_EVERY).unref()
  return {
    async take(name, most, signal) {
      signal.throwIfAborted()
      const places = placesOf(name)
      places.most = most
      const id = randomUUID()
      const entered = waitAmong(places, id, signal)
      void ask(name, places, redis).finally(() => forget(name, places))
      await entered
      return function release() {
        if (places.held.delete(id)) redis.giveBack(name, id)
        forget(name, places)
      }
    },
    close() {
      clearInterval(timer)
      redis.close()
    },
  }
}

/** What is given back while Redis renews it, which may take it two tries, would be nobody's for as long as a lease. */
async function renew(name: string, held: ReadonlySet<string>, redis: RedisPlaces): Promise<void> {
  const ids = [...held]
  await redis.renew(name, ids)
  for (const id of ids) if (!held.has(id)) redis.giveBack(name, id)
}

/** Asks for those who wait, one question after the other, until nobody waits. */
async function ask(name: string, places: Places, redis: RedisPlaces): Promise<void> {
  const { waiting, held } = places
  if (places.isAsking) return
  places.isAsking = true
  while (waiting.size > 0) {
    const waiters = [...waiting]
    const given = await redis.take(
      name,
      places.most,
      waiters.map(({ id }) => id),
    )
    for (const waiter of waiters.slice(0, given)) {
      // One that has left meanwhile has no use for its place.
      if (!waiting.delete(waiter)) redis.giveBack(name, waiter.id)
      else {
        held.add(waiter.id)
        waiter.enter()
      }
    }
    if (waiting.size > 0) await delay(ASK_EVERY, undefined, { ref: false })
  }
  places.isAsking = false
}

function waitAmong({ waiting }: Places, id: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      waiting.delete(waiter)
      reject(signal.reason)
    }
    const waiter: Waiter = {
      id,
      enter() {
        signal.removeEventListener('abort', leave)
        resolve()
      },
    }
    signal.addEventListener('abort', leave, { once: true })
    waiting.add(waiter)
  })
}
