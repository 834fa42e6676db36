import type { Batch } from '../batch.ts'
import { hasBit } from '../bits.ts'
import type { BatchTask } from '../queue.ts'
import type { Tables } from './tables.ts'

/** How long a process that has died keeps others from its tasks, in milliseconds. */
export const LEASE = 10_000

/** The line of a task that is about the whole batch. */
export const WHOLE = -1

type Kind = BatchTask['kind']

interface Candidate {
  readonly batch: string
  readonly kind: Kind
}

const KINDS: Partial<Record<Batch['status'], Kind>> = {
  validating: 'validate',
  in_progress: 'line',
  finalizing: 'finalize',
  cancelling: 'finalize',
}

/** Says what is to be done next for a batch. */
export function pushBatch(tables: Tables, { id: batch, owner, status, lines }: Batch, ended: Uint8Array): void {
  const kind = KINDS[status]
  if (kind === undefined) return
  const [known] = tables.rows<Candidate>('SELECT batch, kind FROM batch_queue WHERE batch = :batch', { batch })
  // What is run now goes on; of what was left, nothing is lost.
  if (known?.kind !== kind) tables.run('DELETE FROM batch_tasks WHERE batch = :batch', { batch })
  const count = kind === 'line' ? lines : 0
  tables.run(PUSH, { batch, owner, kind, lines: count, now: Date.now(), skip: ended })
  if (kind !== 'line') tables.run(ADD_TASK, { batch, line: WHOLE, process: null, until: 0, attempts: 0 })
}

/** A task that was claimed. */
export interface Found {
  readonly task: BatchTask
  readonly line: number
  readonly attempts: number
}

/** Claims the task whose turn it is; null: there is none now. */
export function claimTask(tables: Tables, process: string): Found | null {
  for (;;) {
    const now = Date.now()
    const [candidate] = tables.rows<Candidate>(CANDIDATE, { now, process })
    if (candidate === undefined) return null
    const found = again(tables, candidate, process, now) ?? next(tables, candidate, process, now)
    // Else all of its other lines have ended, which is known now.
    if (found !== null) return found
  }
}

/** Claims the first task of a batch that was put back, or left by a process that has died. */
function again(tables: Tables, { batch, kind }: Candidate, process: string, now: number): Found | null {
  const [row] = tables.rows<{ line: number; attempts: number }>(DUE, { batch, process, now })
  if (row === undefined) return null
  const { line } = row
  const attempts = row.attempts + 1
  tables.run(CLAIM, { batch, line, process, until: now + LEASE, attempts })
  tables.run(SERVED, { batch, now })
  return { task: taskOf(batch, kind, line), line, attempts }
}

/** Claims the next line of a batch that was never handed out. */
function next(tables: Tables, { batch, kind }: Candidate, process: string, now: number): Found | null {
  const [row] = tables.rows<{ next: number; lines: number; skip: Uint8Array }>(CURSOR, { batch })
  if (row === undefined) return null
  for (let line = row.next; line < row.lines; line++) {
    if (hasBit(row.skip, line)) continue
    // It may be one that is run, or waits to be run again, since the lines were handed out before.
    if (!tables.run(ADD_TASK, { batch, line, process, until: now + LEASE, attempts: 1 })) continue
    tables.run(ADVANCE, { batch, next: line + 1, now })
    return { task: taskOf(batch, kind, line), line, attempts: 1 }
  }
  tables.run(ADVANCE, { batch, next: row.lines, now })
  return null
}

function taskOf(batch: string, kind: Kind, line: number): BatchTask {
  return kind === 'line' ? { batch, kind, line } : { batch, kind }
}

/** Nobody's, and its time has come. */
const IS_DUE = 't.leased_until < :now AND t.not_before <= :now AND (t.process IS NULL OR t.process <> :process)'

/** So many lines of a batch are put off at most: of one whose engine is away for hours, not all are tried. */
const MAX_PUT_OFF = 64

/** It has lines that were never handed out, and may be now. */
const HAS_NEXT = `q.next < q.lines AND
  (SELECT count(*) FROM batch_tasks AS t WHERE t.batch = q.batch AND t.not_before > :now) < ${MAX_PUT_OFF}`

// Of the key that has the fewest tasks being run, the batch that has; what is about a whole batch is short, and goes first.
const CANDIDATE = `
WITH
  live AS (SELECT batch, count(*) AS tasks FROM batch_tasks WHERE leased_until >= :now GROUP BY batch),
  owners AS (SELECT owner, sum(tasks) AS tasks FROM live JOIN batch_queue USING (batch) GROUP BY owner)
SELECT q.batch, q.kind FROM batch_queue AS q
LEFT JOIN live ON live.batch = q.batch LEFT JOIN owners ON owners.owner = q.owner
WHERE (${HAS_NEXT}) OR EXISTS (SELECT 1 FROM batch_tasks AS t WHERE t.batch = q.batch AND ${IS_DUE})
ORDER BY (q.kind = 'line'), coalesce(owners.tasks, 0), coalesce(live.tasks, 0), q.served, q.batch
LIMIT 1`

const DUE = `SELECT line, attempts FROM batch_tasks AS t WHERE t.batch = :batch AND ${IS_DUE} ORDER BY line LIMIT 1`

const CLAIM = `
UPDATE batch_tasks SET process = :process, leased_until = :until, attempts = :attempts
WHERE batch = :batch AND line = :line`

const CURSOR = 'SELECT next, lines, skip FROM batch_queue WHERE batch = :batch'

const ADVANCE = 'UPDATE batch_queue SET next = :next, served = :now WHERE batch = :batch'

const SERVED = 'UPDATE batch_queue SET served = :now WHERE batch = :batch'

const PUSH = `
INSERT INTO batch_queue VALUES (:batch, :owner, :kind, :lines, 0, :now, :skip)
ON CONFLICT (batch) DO UPDATE SET kind = excluded.kind, lines = excluded.lines, next = 0, skip = excluded.skip`

const ADD_TASK = `INSERT OR IGNORE INTO batch_tasks VALUES (:batch, :line, :process, :until, 0, :attempts)`
