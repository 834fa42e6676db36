import { describe, type TestContext } from 'node:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedQueue } from '../../gateway/batch/embedded/queue.ts'
import { createEmbeddedStore } from '../../gateway/batch/embedded/store.ts'
import { createTables, type Tables } from '../../gateway/batch/embedded/tables.ts'
import { createDatabase } from '../../gateway/store/database.ts'
import { testBatchQueue, type TestedQueue } from '../support/batch-queue-suite.ts'
import { testBatchStore } from '../support/batch-store-suite.ts'
import { closingOf } from '../support/closing.ts'

/** Returns the tables of another process over the same folder each time it is called. */
function startFolder(t: TestContext): () => { readonly tables: Tables; readonly close: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'batches-'))
  closingOf(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  return () => {
    const database = closingOf(t).adopt(createDatabase(folder), (it) => it.close())
    return { tables: createTables(database), close: () => database.close() }
  }
}

describe('batches in the embedded database', () => {
  testBatchStore(async (t) => {
    const open = startFolder(t)
    return () => createEmbeddedStore(open().tables)
  })
})

describe('the queue of batches in the embedded database', { concurrency: true }, () => {
  testBatchQueue(async (t) => {
    const open = startFolder(t)
    return async (): Promise<TestedQueue> => {
      const { tables, close } = open()
      const queue = createEmbeddedQueue(tables, () => {})
      closingOf(t).defer(() => queue.close().catch(() => {}))
      return { queue, kill: close }
    }
  })
})
