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
}

const MAX_KNOWN = 20_000
/** Longer than any batch has time, and than what is kept of it. */
const KEPT_SECONDS = 35 * 86_400
/** One that keeps asking is written again now and then, so that it is not forgotten. */
const WRITE_AGAIN_MS = 86_400_000

/** Creates them: in Redis where replicas share it, else in the database. */
export function createTokenCallers(
  { shared, database }: { readonly shared: SharedRedis | null; readonly database: Database },
  onError: (error: unknown) => void,
): TokenCallers {
  const store = shared === null ? inDatabase(database) : inRedis(shared)
  const known = new LRUCache<string, { readonly json: string; readonly writtenAt: number }>({ max: MAX_KNOWN })
  const parsed = (name: string): Caller | null => {
    const json = known.get(name)?.json
    return json === undefined ? null : (JSON.parse(json) as Caller)
  }
  return {
    async keep(caller) {
      const { name } = caller
      const json = JSON.stringify(caller)
      const last = known.get(name)
      if (last?.json === json && Date.now() - last.writtenAt < WRITE_AGAIN_MS) return
      known.set(name, { json, writtenAt: Date.now() })
      // Who asks now is answered all the same.
      await store.write(name, json).catch(onError)
    },
    async find(name) {
      const met = parsed(name)
      if (met !== null) return met
      const json = await store.read(name)
      if (json === null) return null
      known.set(name, { json, writtenAt: Date.now() })
      return parsed(name)
    },
    known: parsed,
  }
}

function inRedis({ prefix, run }: SharedRedis): CallerStore {
  const keyOf = (name: string): string => `${prefix}caller:${name}`
  return {
    write: async (name, json) => void (await run((redis) => redis.set(keyOf(name), json, 'EX', KEPT_SECONDS))),
    read: (name) => run((redis) => redis.get(keyOf(name))),
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
  }
}
