import { randomUUID } from 'node:crypto'
import type { Batch } from '../batch.ts'
import { hasBit } from '../bits.ts'
import type { BatchQueue, BatchTask, ClaimedTask } from '../queue.ts'
import type { Tables } from './tables.ts'

/** How long a process that has died keeps others from its tasks, in milliseconds. */
const LEASE = 10_000
const RENEW_EVERY = 3000
/** How often a process looks for what others have left, in milliseconds. */
const LOOK_EVERY = 2000

/** The line of a task that is about the whole batch. */
const WHOLE = -1

type Kind = BatchTask['kind']

interface Candidate {
  readonly batch: string
  readonly kind: Kind
}

/** A task that this process holds. */
interface Held {
  readonly batch: string
  readonly line: number
  readonly lost: AbortController
}

const lostTo = (): DOMException => new DOMException('The task is not this process’s any more.', 'AbortError')

/**
 * Creates the queue of what is to be done for batches, in the embedded database; several processes may share it. Lines are
 * rows only while they are run or wait to be run again: of the others, it is known how many were handed out.
 */
export function createEmbeddedQueue(tables: Tables, onError: (error: unknown) => void): BatchQueue {
  const process = randomUUID()
  const held = new Map<string, Held>()
  const listeners = new Set<() => void>()
  let isClosed = false
  const tell = (): void => listeners.forEach((listener) => listener())

  function claimedTask(task: BatchTask, line: number, attempts: number): ClaimedTask {
    const { batch } = task
    const name = `${batch}.${line}`
    const mine: Held = { batch, line, lost: new AbortController() }
    held.set(name, mine)
    const drop = (): void => void (held.get(name) === mine && held.delete(name))
    const own = { batch, line, process }
    return {
      task,
      attempts,
      lost: mine.lost.signal,
      async done() {
        await tables.atOnce(() => {
          const isOwn = tables.run(`DELETE FROM batch_tasks ${OWN}`, own)
          if (isOwn && line === WHOLE) tables.run(FORGET, { batch, kind: task.kind })
        })
        drop()
      },
      async later(seconds) {
        await tables.atOnce(() => tables.run(PUT_BACK, { ...own, notBefore: Date.now() + seconds * 1000 }))
        drop()
      },
    }
  }

  async function renew(): Promise<void> {
    if (held.size === 0) return
    const before = [...held]
    const rows = await tables.atOnce(() => {
      tables.run('UPDATE batch_tasks SET leased_until = :until WHERE process = :process', {
        process,
        until: Date.now() + LEASE,
      })
      return tables.rows<{ name: string }>(
        `SELECT batch || '.' || line AS name FROM batch_tasks WHERE process = :process`,
        {
          process,
        },
      )
    })
    const own = new Set(rows.map(({ name }) => name))
    for (const [name, mine] of before) if (!own.has(name) && held.get(name) === mine) lose(name, mine)
  }

  function lose(name: string, { lost }: Held): void {
    held.delete(name)
    lost.abort(lostTo())
  }

  const renewing = setInterval(() => void renew().catch(onError), RENEW_EVERY).unref()
  const looking = setInterval(tell, LOOK_EVERY).unref()
  return {
    async push(batch, ended = new Uint8Array()) {
      await tables.atOnce(() => push(tables, batch, ended))
      tell()
    },
    async claim() {
      if (isClosed || !tables.exists()) return null
      const found = await tables.atOnce(() => claim(tables, process))
      return found === null ? null : claimedTask(found.task, found.line, found.attempts)
    },
    onWork(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop(batch) {
      await tables.atOnce(() => {
        tables.run('DELETE FROM batch_tasks WHERE batch = :batch AND line >= 0', { batch })
        tables.run(`UPDATE batch_queue SET next = lines WHERE batch = :batch AND kind = 'line'`, { batch })
      })
      for (const [name, mine] of held) if (mine.batch === batch && mine.line >= 0) lose(name, mine)
    },
    async waiting() {
      if (!tables.exists()) return 0
      const [row] = tables.rows<{ count: number }>(WAITING)
      return row?.count ?? 0
    },
    async close() {
      isClosed = true
      clearInterval(renewing)
      clearInterval(looking)
      if (held.size > 0) await tables.atOnce(() => tables.run(PUT_BACK_ALL, { process }))
      for (const [name, mine] of held) lose(name, mine)
    },
  }
}

const KINDS: Partial<Record<Batch['status'], Kind>> = {
  validating: 'validate',
  in_progress: 'line',
  finalizing: 'finalize',
  cancelling: 'finalize',
}

function push(tables: Tables, { id: batch, owner, status, lines }: Batch, ended: Uint8Array): void {
  const kind = KINDS[status]
  if (kind === undefined) return
  const [known] = tables.rows<Candidate>('SELECT batch, kind FROM batch_queue WHERE batch = :batch', { batch })
  // What is run now goes on; of what was left, nothing is lost.
  if (known?.kind !== kind) tables.run('DELETE FROM batch_tasks WHERE batch = :batch', { batch })
  const count = kind === 'line' ? lines : 0
  tables.run(PUSH, { batch, owner, kind, lines: count, now: Date.now(), skip: ended })
  if (kind !== 'line') tables.run(ADD_TASK, { batch, line: WHOLE, process: null, until: 0, attempts: 0 })
}

interface Found {
  readonly task: BatchTask
  readonly line: number
  readonly attempts: number
}

function claim(tables: Tables, process: string): Found | null {
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

const OWN = 'WHERE batch = :batch AND line = :line AND process = :process'

/** Nobody's, and its time has come. */
const IS_DUE = 't.leased_until < :now AND t.not_before <= :now AND (t.process IS NULL OR t.process <> :process)'

// Of the key that has the fewest tasks being run, the batch that has; what is about a whole batch is short, and goes first.
const CANDIDATE = `
WITH
  live AS (SELECT batch, count(*) AS tasks FROM batch_tasks WHERE leased_until >= :now GROUP BY batch),
  owners AS (SELECT owner, sum(tasks) AS tasks FROM live JOIN batch_queue USING (batch) GROUP BY owner)
SELECT q.batch, q.kind FROM batch_queue AS q
LEFT JOIN live ON live.batch = q.batch LEFT JOIN owners ON owners.owner = q.owner
WHERE q.next < q.lines OR EXISTS (SELECT 1 FROM batch_tasks AS t WHERE t.batch = q.batch AND ${IS_DUE})
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

const FORGET = 'DELETE FROM batch_queue WHERE batch = :batch AND kind = :kind'

// Nothing was wrong with it, so it does not count.
const PUT_BACK = `
UPDATE batch_tasks SET process = NULL, leased_until = 0, not_before = :notBefore, attempts = attempts - 1 ${OWN}`

const PUT_BACK_ALL = `
UPDATE batch_tasks SET process = NULL, leased_until = 0, attempts = attempts - 1 WHERE process = :process`

const WAITING = `
SELECT (SELECT coalesce(sum(lines - next), 0) FROM batch_queue) +
  (SELECT count(*) FROM batch_tasks WHERE line >= 0 AND leased_until < unixepoch() * 1000) AS count`
