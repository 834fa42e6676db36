import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import { COUNTED, dayOf, monthOf, nextMonth, OTHERS, type Counts, type UsageRow } from './counts.ts'
import { KEPT_DAYS, LEASE, MOST_ROWS, type Hold, type UsageStore } from './store.ts'

/** Keeps usage in the embedded database. `now` returns milliseconds of Unix time. */
export function createSqlUsage(database: Database, now: () => number = Date.now, mostRows = MOST_ROWS): UsageStore {
  let sweptOn = ''
  const atOnce = <Result>(change: (tables: DatabaseSync) => Result): Promise<Result> =>
    database.patiently(() => inTransaction(database.open(SCHEMA), change))
  return {
    async add({ rows, holds }) {
      const today = dayOf(now())
      await atOnce((tables) => {
        addRows(tables, rows, mostRows)
        for (const hold of holds) keepHold(tables, hold, now())
        if (sweptOn !== today) sweep(tables, now())
      })
      sweptOn = today
    },
    hold: (hold, limit) =>
      atOnce((tables) => {
        const { id, key, month, pages } = hold
        const { charged } = first(tables, CHARGED, { key, from: month, before: monthOf(nextMonth(month)) })
        const { held } = first(tables, HELD, { id, key, month, now: now() })
        const isHeld = Number(charged) + Number(held) + pages <= limit
        if (isHeld) keepHold(tables, hold, now())
        return { isHeld, charged: Number(charged), held: Number(held) }
      }),
    async *days(from, to) {
      if (!database.exists()) return
      const tables = database.open(SCHEMA)
      const days = tables.prepare(DAYS).all({ from, to }) as unknown as { readonly day: string }[]
      for (const { day } of days) yield (tables.prepare(OF_DAY).all({ day }) as unknown as Row[]).map(rowOf)
    },
  }
}

type Row = Counts & Omit<UsageRow, 'counts'>
type Values = Readonly<Record<string, SQLInputValue>>

function rowOf({ day, key, model, ...counts }: Row): UsageRow {
  return { day, key, model, counts }
}

function inTransaction<Result>(tables: DatabaseSync, change: (tables: DatabaseSync) => Result): Result {
  tables.exec('BEGIN IMMEDIATE')
  try {
    const result = change(tables)
    tables.exec('COMMIT')
    return result
  } catch (error) {
    tables.exec('ROLLBACK')
    throw error
  }
}

const first = (tables: DatabaseSync, sql: string, values: Values): Values => tables.prepare(sql).get(values) as Values

/** Preparing a statement takes longer than running it. */
function addRows(tables: DatabaseSync, rows: readonly UsageRow[], mostRows: number): void {
  const [known, count, add] = [tables.prepare(KNOWN), tables.prepare(ROWS), tables.prepare(ADD)]
  const counted = new Map<string, number>()
  for (const { day, key, model, counts } of rows) {
    const before = counted.get(day) ?? Number(count.get({ day })?.['rows'])
    const isNew = known.get({ day, key, model }) === undefined
    add.run({ day, key: isNew && before >= mostRows ? OTHERS : key, model, ...counts })
    counted.set(day, isNew ? before + 1 : before)
  }
}

function keepHold(tables: DatabaseSync, { id, key, month, pages }: Hold, now: number): void {
  if (pages <= 0) tables.prepare('DELETE FROM usage_holds WHERE id = :id').run({ id })
  else tables.prepare(KEEP).run({ id, key, month, pages, until: now + LEASE })
}

function sweep(tables: DatabaseSync, now: number): void {
  tables.prepare('DELETE FROM usage WHERE day < :day').run({ day: dayOf(now - KEPT_DAYS * 86_400_000) })
  tables.prepare('DELETE FROM usage_holds WHERE until <= :now').run({ now })
}

const columns = COUNTED.map((name) => `"${name}"`)

const SCHEMA = `
CREATE TABLE IF NOT EXISTS usage (
  day TEXT NOT NULL,
  key TEXT NOT NULL,
  model TEXT NOT NULL,
  ${columns.map((name) => `${name} INTEGER NOT NULL DEFAULT 0`).join(',\n  ')},
  PRIMARY KEY (day, key, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS usage_of_keys ON usage (key, day);
CREATE TABLE IF NOT EXISTS usage_holds (
  id TEXT PRIMARY KEY,
  key TEXT NOT NULL,
  month TEXT NOT NULL,
  pages INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS usage_holds_of_keys ON usage_holds (key, month);
`

const KNOWN = 'SELECT 1 FROM usage WHERE day = :day AND key = :key AND model = :model'
const ROWS = 'SELECT count(*) AS rows FROM usage WHERE day = :day'

const ADD = `
INSERT INTO usage (day, key, model, ${columns.join(', ')})
VALUES (:day, :key, :model, ${COUNTED.map((name) => `:${name}`).join(', ')})
ON CONFLICT DO UPDATE SET ${columns.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`

const CHARGED = `
SELECT coalesce(sum("pagesCharged"), 0) AS charged FROM usage WHERE key = :key AND day >= :from AND day < :before`

const HELD = `
SELECT coalesce(sum(pages), 0) AS held FROM usage_holds
WHERE key = :key AND month = :month AND until > :now AND id <> :id`

const KEEP = `
INSERT INTO usage_holds VALUES (:id, :key, :month, :pages, :until)
ON CONFLICT DO UPDATE SET pages = excluded.pages, until = excluded.until`

const DAYS = 'SELECT DISTINCT day FROM usage WHERE day BETWEEN :from AND :to ORDER BY day'
const OF_DAY = `SELECT day, key, model, ${columns.join(', ')} FROM usage WHERE day = :day`
