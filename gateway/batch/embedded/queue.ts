import { randomUUID } from 'node:crypto'
import type { BatchQueue, ClaimedTask } from '../queue.ts'
import { claimTask, pushBatch, WHOLE, type Found } from './claims.ts'
import { createHeldTasks, type HeldTasks } from './held-tasks.ts'
import type { Tables } from './tables.ts'

/** How often a process looks for what others have left, in milliseconds. */
const LOOK_EVERY = 2000

/**
 * Creates the queue of what is to be done for batches, in the embedded database; several processes may share it. Lines are
 * rows only while they are run or wait to be run again: of the others, it is known how many were handed out.
 */
export function createEmbeddedQueue(tables: Tables, onError: (error: unknown) => void): BatchQueue {
  const process = randomUUID()
  const held = createHeldTasks(tables, process, onError)
  const listeners = new Set<() => void>()
  let isClosed = false
  const tell = (): void => listeners.forEach((listener) => listener())
  const looking = setInterval(tell, LOOK_EVERY).unref()
  return {
    async push(batch, ended = new Uint8Array()) {
      await tables.atOnce(() => pushBatch(tables, batch, ended))
      tell()
    },
    async claim() {
      if (isClosed || !tables.exists()) return null
      const found = await tables.atOnce(() => claimTask(tables, process))
      return found === null ? null : claimedTask(found, process, tables, held)
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
      held.loseLines(batch)
    },
    async waiting() {
      if (!tables.exists()) return 0
      const [row] = tables.rows<{ count: number }>(WAITING)
      return row?.count ?? 0
    },
    async close() {
      isClosed = true
      clearInterval(looking)
      await held.close()
    },
  }
}

function claimedTask({ task, line, attempts }: Found, process: string, tables: Tables, held: HeldTasks): ClaimedTask {
  const { batch } = task
  const { lost, drop, abandon } = held.add(batch, line)
  const own = { batch, line, process }
  async function end(change: () => void): Promise<void> {
    try {
      await tables.atOnce(change)
      drop()
    } catch (error) {
      // Nobody would be handed it for as long as this process renews its lease.
      abandon()
      throw error
    }
  }
  return {
    task,
    attempts,
    lost,
    done: () =>
      end(() => {
        const isOwn = tables.run(`DELETE FROM batch_tasks ${OWN}`, own)
        if (isOwn && line === WHOLE) tables.run(FORGET, { batch, kind: task.kind })
      }),
    later(seconds) {
      // The column takes whole numbers alone.
      const notBefore = Math.ceil(Date.now() + seconds * 1000)
      return end(() => tables.run(PUT_BACK, { ...own, notBefore }))
    },
  }
}

const OWN = 'WHERE batch = :batch AND line = :line AND process = :process'

const FORGET = 'DELETE FROM batch_queue WHERE batch = :batch AND kind = :kind'

// Nothing was wrong with it, so it does not count.
const PUT_BACK = `
UPDATE batch_tasks SET process = NULL, leased_until = 0, not_before = :notBefore, attempts = attempts - 1 ${OWN}`

const WAITING = `
SELECT (SELECT coalesce(sum(lines - next), 0) FROM batch_queue) +
  (SELECT count(*) FROM batch_tasks WHERE line >= 0 AND leased_until < unixepoch() * 1000) AS count`
