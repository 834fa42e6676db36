import { LRUCache } from 'lru-cache'
import type { Database } from '../store/database.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Caller } from './caller.ts'

/** Whom tokens have named: their work may go on when nobody asks any more. */
export interface TokenCallers {
  /** Keeps what the last token said of a caller. */
  keep(caller: Caller): Promise<void>
  /** Returns what the last token said; null: there was none for a long time. */
  find(name: string): Promise<Caller | null>
  /** The same, of those alone that this process has met. */
  known(name: string): Caller | null
}

/** Where they outlive the process. */
interface CallerStore {
  write(name: string, json: string): Promise<void>
  read(name: string): Promise<string | null>
  /** One that keeps asking is written again after so long: another gateway may have written what an older token said. */
  readonly writeAgainMs: number
}

/** What is known of a caller. */
interface Known {
  readonly json: string
  /** When it was the same in the store; null: it could not be written yet. */
  readonly storedAt: number | null
  readonly writtenAt: number
}

const MAX_KNOWN = 20_000
/** Longer than any batch has time, and than what is kept of it. */
const KEPT_SECONDS = 35 * 86_400
/** What is known for longer is looked up again: another gateway may have met a later token. In milliseconds. */
const FRESH = 10_000
/** A store that has failed is not written to for so long: each request would wait for it. In milliseconds. */
const PAUSE = 5000

/** Creates them: in Redis where replicas share it, else in the database. */
export function createTokenCallers(
  { shared, database }: { readonly shared: SharedRedis | null; readonly database: Database },
  onError: (error: unknown) => void,
  now: () => number = Date.now,
): TokenCallers {
  const store = shared === null ? inDatabase(database) : inRedis(shared)
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN })
  let failedAt = -Infinity

  async function write(name: string, json: string): Promise<void> {
    const isAway = now() - failedAt < PAUSE
    known.set(name, { json, storedAt: null, writtenAt: isAway ? -Infinity : now() })
    if (isAway) return
    const stored = await store.write(name, json).then(() => now(), failed)
    if (known.get(name)?.json !== json) return
    // Who asks now is answered all the same, and written with a later request.
    known.set(name, { json, storedAt: stored, writtenAt: stored ?? -Infinity })
  }

  function failed(error: unknown): null {
    failedAt = now()
    onError(error)
    return null
  }

  /** Looks up again what is known; where that fails, it is as it was. */
  async function renew(name: string, met: Known): Promise<string> {
    const json = await store.read(name).catch(() => undefined)
    // A store that has lost it is written to with the next token.
    if (json === null) known.set(name, { ...met, storedAt: null, writtenAt: -Infinity })
    if (typeof json !== 'string' || known.get(name)?.json !== met.json) return known.get(name)?.json ?? met.json
    known.set(name, { json, storedAt: now(), writtenAt: json === met.json ? met.writtenAt : -Infinity })
    return json
  }

  async function jsonOf(name: string): Promise<string | null> {
    const met = known.get(name)
    if (met !== undefined) {
      const isFresh = met.storedAt === null || now() - met.storedAt < FRESH
      return isFresh ? met.json : renew(name, met)
    }
    const json = await store.read(name)
    if (json !== null) known.set(name, { json, storedAt: now(), writtenAt: -Infinity })
    return json
  }

  return {
    async keep(caller) {
      const json = JSON.stringify(caller)
      const last = known.get(caller.name)
      if (last?.json !== json || now() - last.writtenAt >= store.writeAgainMs) await write(caller.name, json)
    },
    find: async (name) => callerIn(await jsonOf(name)),
    known: (name) => callerIn(known.get(name)?.json ?? null),
  }
}

const callerIn = (json: string | null): Caller | null => (json === null ? null : (JSON.parse(json) as Caller))

function inRedis({ prefix, run }: SharedRedis): CallerStore {
  const keyOf = (name: string): string => `${prefix}caller:${name}`
  return {
    write: async (name, json) => void (await run((redis) => redis.set(keyOf(name), json, 'EX', KEPT_SECONDS))),
    read: (name) => run((redis) => redis.get(keyOf(name))),
    writeAgainMs: 60_000,
  }
}

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS callers (name TEXT PRIMARY KEY, json TEXT NOT NULL, at INTEGER NOT NULL) STRICT'

function inDatabase(database: Database): CallerStore {
  return {
    write: (name, json) =>
      database.patiently(() => {
        const now = Math.floor(Date.now() / 1000)
        const sql = database.open(SCHEMA)
        sql
          .prepare(
            'INSERT INTO callers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET json = excluded.json, at = excluded.at',
          )
          .run(name, json, now)
        sql.prepare('DELETE FROM callers WHERE at < ?').run(now - KEPT_SECONDS)
      }),
    async read(name) {
      if (!database.exists()) return null
      return database.patiently(() => {
        const row = database.open(SCHEMA).prepare('SELECT json FROM callers WHERE name = ?').get(name)
        return row === undefined ? null : String(row['json'])
      })
    },
    writeAgainMs: 86_400_000,
  }
}
