import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_USAGE, type Batch } from '../../../gateway/batch/batch.ts'
import { createEmbeddedQueue } from '../../../gateway/batch/embedded/queue.ts'
import { createEmbeddedStore } from '../../../gateway/batch/embedded/store.ts'
import { createTables } from '../../../gateway/batch/embedded/tables.ts'
import { createDatabase } from '../../../gateway/store/database.ts'

/** Makes a batch, with everything that a test does not care about. */
export function makeBatch(parts: Partial<Batch> = {}): Batch {
  const never = { inProgress: null, finalizing: null, completed: null, failed: null, expired: null }
  return {
    id: 'batch_1',
    owner: '',
    requestId: 'req_1',
    endpoint: '/v1/chat/completions',
    inputFileId: 'file-1',
    completionWindow: '24h',
    metadata: null,
    outputSeconds: null,
    status: 'in_progress',
    model: null,
    times: { created: 1, expires: 1000, ...never, cancelling: null, cancelled: null },
    problems: [],
    outputFileId: null,
    errorFileId: null,
    lines: 3,
    counts: { total: 3, completed: 0, failed: 0 },
    usage: NO_USAGE,
    ...parts,
  }
}

/** Opens the batches of a folder of their own; `another` is the queue as a second process over it has it. */
export function openBatches() {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const database = createDatabase(folder)
  const tables = createTables(database)
  const onError = (error: unknown): void => {
    throw error
  }
  const queues = [createEmbeddedQueue(tables, onError), createEmbeddedQueue(tables, onError)] as const
  return {
    tables,
    store: createEmbeddedStore(tables),
    queue: queues[0],
    another: queues[1],
    /** Has all leases end, as if their processes had died. */
    endLeases: () => tables.run('UPDATE batch_tasks SET leased_until = 0'),
    async [Symbol.asyncDispose]() {
      for (const queue of queues) await queue.close()
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
