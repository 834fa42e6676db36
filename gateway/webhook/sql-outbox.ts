import { randomUUID } from 'node:crypto'
import type { SQLInputValue } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import type { KeptEvent, WebhookDelivery, WebhookEvent, WebhookEventType } from './event.ts'
import { FORGOTTEN_AT_A_TIME, KEPT_MS, type EventQuery, type Outbox, type TryOutcome } from './outbox.ts'

/** Keeps events in the embedded database. `now` returns milliseconds of Unix time. */
export function createSqlOutbox(database: Database, now: () => number = Date.now): Outbox {
  const all = (sql: string, values: Values): Row[] => database.open(SCHEMA).prepare(sql).all(values) as unknown as Row[]
  const change = (sql: string, values: Values): Promise<Row[]> => database.patiently(() => all(sql, values))
  return {
    add: (events) => database.patiently(() => addAll(database, events, now())),
    async claim(leaseMs) {
      // Looking alone takes no lock, and there is mostly nothing.
      if (!database.exists() || all(DUE, { now: now() }).length === 0) return null
      const claim = randomUUID()
      const event = first(await change(CLAIM, { claim, now: now(), until: now() + leaseMs }))
      return event === null ? null : { event, claim, at: Date.now() }
    },
    async note({ event, claim }, outcome) {
      await change(NOTE, { id: event.id, claim, ...noted(outcome, event, now()) })
    },
    async find(owner, id) {
      return database.exists() ? first(all(FIND, { owner, id })) : null
    },
    async list(owner, query) {
      if (!database.exists()) return query.after === null ? { events: [], hasMore: false } : null
      if (query.after !== null && all(FIND, { owner, id: query.after }).length === 0) return null
      const rows = all(LIST, listed(owner, query))
      return { events: rows.slice(0, query.limit).map(eventOf), hasMore: rows.length > query.limit }
    },
    async redeliver(owner, id) {
      if (!database.exists()) return null
      await change(REDELIVER, { owner, id, now: now() })
      return first(all(FIND, { owner, id }))
    },
    async backlog() {
      if (!database.exists()) return { waiting: 0, oldestAt: null }
      const [row] = database.open(SCHEMA).prepare(BACKLOG).all()
      return { waiting: Number(row?.['waiting']), oldestAt: row?.['oldestAt'] == null ? null : Number(row['oldestAt']) }
    },
    async forgetOld() {
      if (!database.exists()) return false
      return (await change(FORGET, { now: now(), limit: FORGOTTEN_AT_A_TIME })).length === FORGOTTEN_AT_A_TIME
    },
  }
}

type Values = Readonly<Record<string, SQLInputValue>>

interface Row {
  readonly id: string
  readonly owner: string
  readonly type: WebhookEventType
  readonly object_id: string
  readonly created_at: number
  readonly status: WebhookDelivery['status']
  readonly attempts: number
  readonly problem: string | null
  readonly due_at: number | null
  readonly ended_at: number | null
}

function eventOf({
  object_id: objectId,
  created_at: createdAt,
  due_at: dueAt,
  ended_at: endedAt,
  ...row
}: Row): KeptEvent {
  const { id, owner, type, status, attempts, problem } = row
  return { id, owner, type, objectId, createdAt, status, attempts, problem, dueAt, endedAt }
}

function first([row]: readonly Row[]): KeptEvent | null {
  return row === undefined ? null : eventOf(row)
}

function addAll(database: Database, events: readonly WebhookEvent[], now: number): void {
  const tables = database.open(SCHEMA)
  tables.exec('BEGIN IMMEDIATE')
  try {
    const add = tables.prepare(ADD)
    for (const { id, owner, type, objectId, createdAt } of events)
      add.run({ id, owner, type, objectId, createdAt, now })
    tables.exec('COMMIT')
  } catch (error) {
    tables.exec('ROLLBACK')
    throw error
  }
}

/** Returns what a try changes of an event. */
function noted(outcome: TryOutcome, { attempts, problem }: KeptEvent, now: number): Values {
  const { status } = outcome
  if (status === 'given back') return { status: 'pending', attempts: attempts - 1, problem, dueAt: now, ...NOT_ENDED }
  if (status === 'pending') {
    return { status, attempts, problem: outcome.problem, dueAt: now + outcome.delayMs, ...NOT_ENDED }
  }
  const why = status === 'failed' ? outcome.problem : null
  return { status, attempts, problem: why, dueAt: null, endedAt: now, forgetAt: now + KEPT_MS[status] }
}

const NOT_ENDED = { endedAt: null, forgetAt: null }

function listed(owner: string, { after, limit, status }: EventQuery): Values {
  return { owner, after, status, limit: limit + 1 }
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS webhook_events (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  type TEXT NOT NULL,
  object_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending',
  attempts INTEGER NOT NULL DEFAULT 0,
  problem TEXT,
  due_at INTEGER,
  -- Of the process that sends it now.
  claim TEXT,
  ended_at INTEGER,
  forget_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS webhook_events_due ON webhook_events (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_events_waiting ON webhook_events (created_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_events_listed ON webhook_events (owner, created_at, id);
CREATE INDEX IF NOT EXISTS webhook_events_old ON webhook_events (forget_at) WHERE forget_at IS NOT NULL;
`

const ADD = `
INSERT OR IGNORE INTO webhook_events (id, owner, type, object_id, created_at, due_at)
VALUES (:id, :owner, :type, :objectId, :createdAt, :now)`

const DUE = 'SELECT id FROM webhook_events WHERE due_at <= :now LIMIT 1'

const CLAIM = `
UPDATE webhook_events SET claim = :claim, due_at = :until, attempts = attempts + 1
WHERE id = (SELECT id FROM webhook_events WHERE due_at <= :now ORDER BY due_at LIMIT 1)
RETURNING *`

const NOTE = `
UPDATE webhook_events
SET status = :status, attempts = :attempts, problem = :problem, due_at = :dueAt, claim = NULL,
  ended_at = :endedAt, forget_at = :forgetAt
WHERE id = :id AND status = 'pending' AND (claim = :claim OR :status = 'delivered')`

const FIND = 'SELECT * FROM webhook_events WHERE id = :id AND owner = :owner'

const LIST = `
SELECT * FROM webhook_events
WHERE owner = :owner AND (:status IS NULL OR status = :status)
  AND (:after IS NULL OR (created_at, id) < (SELECT created_at, id FROM webhook_events WHERE id = :after))
ORDER BY created_at DESC, id DESC LIMIT :limit`

// One that is being sent now is left alone: it would be sent twice at once.
const REDELIVER = `
UPDATE webhook_events SET status = 'pending', attempts = 0, due_at = :now, claim = NULL, ended_at = NULL, forget_at = NULL
WHERE id = :id AND owner = :owner AND NOT (status = 'pending' AND claim IS NOT NULL AND due_at > :now)`

const BACKLOG = `
SELECT count(*) AS waiting, min(created_at) AS oldestAt FROM webhook_events WHERE due_at IS NOT NULL`

const FORGET = `
DELETE FROM webhook_events WHERE id IN (SELECT id FROM webhook_events WHERE forget_at <= :now LIMIT :limit)
RETURNING id`
