import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { SharedRedis } from '../store/redis.ts'
import type { KeptEvent, WebhookDelivery, WebhookEventType } from './event.ts'
import {
  FORGOTTEN_AT_A_TIME,
  KEPT_MS,
  type EventPage,
  type EventQuery,
  type Outbox,
  type TryOutcome,
} from './outbox.ts'
import { ADD, CLAIM, FORGET, NOTE, REDELIVER } from './redis-scripts.ts'

/**
 * Keeps events in Redis, for all replicas: each a hash; sets order what is due, what waits, what is listed and what is to be
 * forgotten. `now` returns milliseconds of Unix time; left out: Redis's own, as the clocks of replicas differ.
 */
export function createRedisOutbox(shared: SharedRedis, now?: () => number): Outbox {
  const keys = keysOf(`${shared.prefix}webhook:`)
  return {
    ...changes(shared, keys, async (redis) => now?.() ?? toMilliseconds(await redis.time())),
    find: (owner, id) => shared.run((redis) => findEvent(redis, keys, owner, id)),
    list: (owner, query) => shared.run((redis) => listEvents(redis, keys, owner, query)),
    backlog: () =>
      shared.run(async (redis) => {
        const waiting = await redis.zcard(keys.waiting)
        const [, oldest] = await redis.zrange(keys.waiting, '0', '0', 'WITHSCORES')
        return { waiting, oldestAt: oldest === undefined ? null : Number(oldest) }
      }),
  }
}

function changes(
  shared: SharedRedis,
  keys: Keys,
  time: (redis: Redis) => Promise<number>,
): Pick<Outbox, 'add' | 'claim' | 'note' | 'redeliver' | 'forgetOld'> {
  const { event: keyOf, due, waiting, old } = keys
  return {
    add: (events) =>
      shared.run(async (redis) => {
        const at = await time(redis)
        for (const { id, owner, type, objectId, createdAt } of events) {
          const touched = [keyOf(id), due, waiting, keys.listed(owner)]
          await redis.eval(ADD, touched.length, ...touched, id, owner, type, objectId, createdAt, at)
        }
      }),
    claim: (leaseMs) =>
      shared.run(async (redis) => {
        const claim = randomUUID()
        const found = await redis.eval(CLAIM, 2, due, waiting, keyOf(''), claim, await time(redis), leaseMs)
        const event = found === null ? null : eventOf(fieldsOf(found as string[]))
        return event === null ? null : { event, claim, at: toMilliseconds(await redis.time()) }
      }),
    note: ({ event, claim }, outcome) =>
      shared.run(async (redis) => {
        const values = noted(outcome, event, await time(redis))
        await redis.eval(NOTE, 4, keyOf(event.id), due, waiting, old, event.id, claim, ...values)
      }),
    redeliver: (owner, id) =>
      shared.run(async (redis) => {
        await redis.eval(REDELIVER, 4, keyOf(id), due, waiting, old, id, owner, await time(redis))
        return findEvent(redis, keys, owner, id)
      }),
    forgetOld: () =>
      shared.run(async (redis) => {
        const most = FORGOTTEN_AT_A_TIME
        return (await redis.eval(FORGET, 1, old, keyOf(''), keys.listed(''), await time(redis), most)) === most
      }),
  }
}

async function findEvent(redis: Redis, keys: Keys, owner: string, id: string): Promise<KeptEvent | null> {
  const event = eventOf(await redis.hgetall(keys.event(id)))
  return event?.owner === owner ? event : null
}

const keysOf = (prefix: string) => ({
  event: (id: string) => `${prefix}event:${id}`,
  /** Ids by when they are to be sent. */
  due: `${prefix}due`,
  /** Ids of the same events by when they were created. */
  waiting: `${prefix}waiting`,
  /** Ids of an owner's events by when they were created. */
  listed: (owner: string) => `${prefix}of:${owner}`,
  /** Ids by when they are to be forgotten. */
  old: `${prefix}old`,
})

type Keys = ReturnType<typeof keysOf>

// ioredis hands on what Redis sends: texts, whatever its types say.
function toMilliseconds([seconds = 0, microseconds = 0]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}

function fieldsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1] ?? '']] : [])))
}

function eventOf(fields: Readonly<Record<string, string>>): KeptEvent | null {
  const { id, owner, type, objectId, createdAt, status, attempts, problem, dueAt, endedAt } = fields
  if (id === undefined || owner === undefined || objectId === undefined) return null
  return {
    id,
    owner,
    type: type as WebhookEventType,
    objectId,
    createdAt: Number(createdAt),
    status: status as WebhookDelivery['status'],
    attempts: Number(attempts),
    problem: textOf(problem),
    dueAt: numberOf(dueAt),
    endedAt: numberOf(endedAt),
  }
}

const textOf = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text)
const numberOf = (text: string | undefined): number | null => (textOf(text) === null ? null : Number(text))

/** Returns what a try changes of an event: status, attempts, problem, and when it is due, has ended and is forgotten. */
function noted(outcome: TryOutcome, { attempts, problem }: KeptEvent, now: number): (string | number)[] {
  const { status } = outcome
  if (status === 'given back') return ['pending', attempts - 1, problem ?? '', now, '', '']
  if (status === 'pending') return [status, attempts, outcome.problem, now + outcome.delayMs, '', '']
  return [status, attempts, status === 'failed' ? outcome.problem : '', '', now, now + KEPT_MS[status]]
}

/** So many are looked at together where events of one status are wanted. */
const SLICE = 500

async function listEvents(redis: Redis, keys: Keys, owner: string, query: EventQuery): Promise<EventPage | null> {
  const { after, limit, status } = query
  const slice = status === null ? limit + 1 : SLICE
  const listed = keys.listed(owner)
  const rank = after === null ? -1 : await redis.zrevrank(listed, after)
  if (rank === null) return null
  const events: KeptEvent[] = []
  for (let from = rank + 1; events.length <= limit; from += slice) {
    const ids = await redis.zrevrange(listed, from, from + slice - 1)
    if (ids.length === 0) break
    const found = await Promise.all(ids.map(async (id) => eventOf(await redis.hgetall(keys.event(id)))))
    events.push(
      ...found.filter((event) => event !== null).filter((event) => status === null || event.status === status),
    )
  }
  return { events: events.slice(0, limit), hasMore: events.length > limit }
}
