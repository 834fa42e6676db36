import { hasEnded, type Batch, type BatchStatus } from '../batch.ts'
import type { BatchChange, BatchStore, LineEnd } from '../store.ts'
import { allSet, setBit } from '../bits.ts'
import type { Tables } from './tables.ts'

/** What the columns of a batch hold; the rest of it stands in `facts`, as JSON. */
interface Row {
  readonly id: string
  readonly owner: string
  readonly status: BatchStatus
  readonly lines: number
  readonly completed: number
  readonly failed: number
  readonly input_tokens: number
  readonly cached_tokens: number
  readonly output_tokens: number
  readonly facts: string
}

type Facts = Omit<Batch, 'id' | 'owner' | 'status' | 'lines' | 'counts' | 'usage'>

/** So many are looked at, or forgotten, at a time. */
const AT_A_TIME = 100

/** Creates the store of batches in the embedded database. */
export function createEmbeddedStore(tables: Tables): BatchStore {
  const find = (owner: string | null, id: string): Batch | null => {
    if (!tables.exists()) return null
    const [row] = tables.rows<Row>(`SELECT ${COLUMNS} FROM batches WHERE id = :id`, { id })
    return row === undefined || (owner !== null && row.owner !== owner) ? null : batchOf(row)
  }
  return {
    add: (batch) =>
      tables.atOnce(() => {
        const { id, owner, lines, times } = batch
        tables.run(ADD, { id, owner, status: batch.status, expires: times.expires, lines, facts: factsOf(batch) })
      }),
    find: async (owner, id) => find(owner, id),
    async list(owner, after, limit) {
      if (!tables.exists()) return { batches: [], hasMore: false }
      // Ids sort by when they were made; the tilde comes behind all of them.
      const rows = tables.rows<Row>(LIST, { owner, after: after ?? '~', limit: limit + 1 })
      return { batches: rows.slice(0, limit).map(batchOf), hasMore: rows.length > limit }
    },
    async unended(owner) {
      if (!tables.exists()) return 0
      const [row] = tables.rows<{ count: number }>(UNENDED, { owner })
      return row?.count ?? 0
    },
    change: (id, from, change) => tables.atOnce(() => changed(tables, find(null, id), from, change)),
    endLines: (id, ends) => tables.atOnce(() => endLines(tables, id, ends)),
    settle: (id, { total, completed, failed }, { inputTokens: input, cachedTokens: cached, outputTokens: output }) =>
      tables.atOnce(() => {
        tables.run(SETTLE, { id, ended: allSet(total), completed, failed, input, cached, output })
      }),
    endedLines: async (id) => endedOf(tables, id) ?? new Uint8Array(),
    async due(now, endedBefore) {
      if (!tables.exists()) return { late: [], old: [] }
      return {
        late: tables.rows<Row>(LATE, { now, limit: AT_A_TIME }).map(batchOf),
        old: tables.rows<Row>(OLD, { endedBefore, limit: AT_A_TIME }).map(batchOf),
      }
    },
    async overview() {
      if (!tables.exists()) return { unended: [], unendedCount: 0, endedCount: 0 }
      const [counts] = tables.rows<{ unended: number; ended: number }>(COUNTS, {})
      const unended = tables.rows<Row>(ALL_UNENDED, { limit: AT_A_TIME }).map(batchOf)
      return { unended, unendedCount: counts?.unended ?? 0, endedCount: counts?.ended ?? 0 }
    },
    forget: (ids) => tables.atOnce(() => ids.forEach((id) => tables.run(FORGET, { id }))),
  }
}

function changed(tables: Tables, batch: Batch | null, from: readonly BatchStatus[], change: BatchChange): Batch | null {
  if (batch === null || !from.includes(batch.status)) return null
  const { id, status, lines, ...facts } = { ...batch, ...change }
  const endedAt = hasEnded({ status }) ? Math.floor(Date.now() / 1000) : null
  tables.run(CHANGE, { id, status, lines, endedAt, facts: factsOf(facts) })
  return { ...batch, ...change, counts: { ...batch.counts, total: lines } }
}

function endLines(tables: Tables, id: string, ends: ReadonlyMap<number, LineEnd>): number {
  const before = endedOf(tables, id)
  if (before === null || ends.size === 0) return 0
  const needed = Math.max(...bytesNeeded(ends))
  const ended = Buffer.alloc(Math.max(needed, before.length))
  ended.set(before)
  const sum = { completed: 0, failed: 0, input: 0, cached: 0, output: 0 }
  for (const [line, { outcome, usage }] of ends) {
    if (!setBit(ended, line)) continue
    sum[outcome] += 1
    sum.input += usage.inputTokens
    sum.cached += usage.cachedTokens
    sum.output += usage.outputTokens
  }
  tables.run(END_LINES, { id, ended, ...sum })
  return sum.completed + sum.failed
}

/** Spreading fifty thousand arguments is fine; a map of more is none of a batch. */
const bytesNeeded = (ends: ReadonlyMap<number, LineEnd>): number[] => [...ends.keys()].map((line) => (line >> 3) + 1)

function endedOf(tables: Tables, id: string): Uint8Array | null {
  if (!tables.exists()) return null
  const [row] = tables.rows<{ ended: Uint8Array }>('SELECT ended FROM batches WHERE id = :id', { id })
  return row?.ended ?? null
}

function factsOf(batch: Facts): string {
  const { requestId, endpoint, inputFileId, completionWindow, metadata, outputSeconds } = batch
  const { model, times, problems, outputFileId, errorFileId } = batch
  const given = { requestId, endpoint, inputFileId, completionWindow, metadata, outputSeconds }
  return JSON.stringify({ ...given, model, times, problems, outputFileId, errorFileId } satisfies Facts)
}

function batchOf({ id, owner, status, lines, completed, failed, facts, ...tokens }: Row): Batch {
  return {
    ...(JSON.parse(facts) as Facts),
    id,
    owner,
    status,
    lines,
    counts: { total: lines, completed, failed },
    usage: {
      inputTokens: tokens.input_tokens,
      cachedTokens: tokens.cached_tokens,
      outputTokens: tokens.output_tokens,
    },
  }
}

const COLUMNS = `id, owner, status, lines, completed, failed, input_tokens, cached_tokens, output_tokens, facts`

const ADD = `
INSERT INTO batches VALUES (:id, :owner, :status, NULL, :expires, :lines, 0, 0, 0, 0, 0, :facts, x'')`

const LIST = `SELECT ${COLUMNS} FROM batches WHERE owner = :owner AND id < :after ORDER BY id DESC LIMIT :limit`

const FORGET = 'DELETE FROM batches WHERE id = :id AND ended_at IS NOT NULL'

const UNENDED = 'SELECT count(*) AS count FROM batches WHERE owner = :owner AND ended_at IS NULL'

// Each count reads an index alone.
const COUNTS = `SELECT
  (SELECT count(*) FROM batches WHERE ended_at IS NULL) AS unended,
  (SELECT count(*) FROM batches WHERE ended_at IS NOT NULL) AS ended`

const ALL_UNENDED = `SELECT ${COLUMNS} FROM batches WHERE ended_at IS NULL ORDER BY expires LIMIT :limit`

const CHANGE = `
UPDATE batches SET status = :status, lines = :lines, ended_at = :endedAt, facts = :facts WHERE id = :id`

const END_LINES = `
UPDATE batches SET ended = :ended, completed = completed + :completed, failed = failed + :failed,
  input_tokens = input_tokens + :input, cached_tokens = cached_tokens + :cached, output_tokens = output_tokens + :output
WHERE id = :id`

const SETTLE = `
UPDATE batches SET ended = :ended, completed = :completed, failed = :failed, input_tokens = :input,
  cached_tokens = :cached, output_tokens = :output
WHERE id = :id AND ended_at IS NULL`

const LATE = `SELECT ${COLUMNS} FROM batches WHERE ended_at IS NULL AND expires < :now ORDER BY expires LIMIT :limit`

const OLD = `SELECT ${COLUMNS} FROM batches WHERE ended_at < :endedBefore ORDER BY ended_at LIMIT :limit`
