import { describe, type TestContext } from 'node:test'
import { createBullQueue } from '../../gateway/batch/bull-queue.ts'
import { createRedisBatchStore } from '../../gateway/batch/redis-store.ts'
import { createSharedRedis, type SharedRedis } from '../../gateway/store/redis.ts'
import { testBatchQueue, type TestedQueue } from '../support/batch-queue-suite.ts'
import { testBatchStore } from '../support/batch-store-suite.ts'
import { closingOf } from '../support/closing.ts'
import { startRedis } from '../support/start-redis.ts'

/** So short that a test need not wait, and so long that a busy machine keeps it. */
const LOCK = 2_000

async function startShared(t: TestContext): Promise<() => SharedRedis> {
  const redis = closingOf(t).use(await startRedis())
  return () => closingOf(t).adopt(createSharedRedis({ url: redis.url }), (shared) => shared.close())
}

describe('batches in Redis', () => {
  testBatchStore(async (t) => {
    const open = await startShared(t)
    return () => createRedisBatchStore(open())
  })
})

describe('the queue of batches in Redis', { concurrency: true }, () => {
  testBatchQueue(async (t) => {
    const open = await startShared(t)
    return async (): Promise<TestedQueue> => {
      const shared = open()
      const unended = async function* () {}
      const queue = createBullQueue({ shared, lines: 4, unended, onError: () => {}, lockMs: LOCK, lookMs: 500 })
      closingOf(t).defer(() => queue.close())
      return { queue, kill: () => void shared.close() }
    }
  })
})
