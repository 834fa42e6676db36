import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createBullQueue } from '../../gateway/batch/bull-queue.ts'
import type { ClaimedTask } from '../../gateway/batch/queue.ts'
import { createRedisBatchStore } from '../../gateway/batch/redis-store.ts'
import { createSharedRedis, type SharedRedis } from '../../gateway/store/redis.ts'
import { testBatchQueue, type TestedQueue } from '../support/batch-queue-suite.ts'
import { testBatchStore } from '../support/batch-store-suite.ts'
import { closingOf } from '../support/closing.ts'
import { makeBatch } from '../support/make-batch.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

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

describe('the windows of keys in Redis', () => {
  const openQueue = async (t: TestContext, lines: number) => {
    const shared = (await startShared(t))()
    const unended = async function* () {}
    const queue = createBullQueue({ shared, lines, unended, onError: () => {} })
    closingOf(t).defer(() => queue.close())
    return queue
  }

  it('let a key that comes later have its turn soon, however many lines a replica could take', async (t) => {
    const queue = await openQueue(t, 512)
    const first = makeBatch({ owner: 'a', status: 'in_progress', lines: 400 })
    const second = makeBatch({ owner: 'b', status: 'in_progress', lines: 400 })
    for (const batch of [first, second]) await queue.push(batch)
    const held: ClaimedTask[] = []
    const order: string[] = []
    // As a runner whose engine reads eight at a time.
    while (order.length < 200) {
      const claimed = await queue.claim()
      if (claimed !== null) order.push(claimed.task.batch)
      if (claimed !== null) held.push(claimed)
      if (held.length >= 8) await held.shift()?.done()
    }
    const turn = order.indexOf(second.id)
    assert.ok(turn >= 0 && turn <= 64, `the other key's first line is the ${turn}th`)
    const share = order.slice(turn).filter((id) => id === second.id).length / (order.length - turn)
    assert.ok(share > 0.4 && share < 0.6, `${share} of the lines are the other key's`)
    for (const line of held) await line.later(0)
  })

  it('grow with what a replica takes', async (t) => {
    const queue = await openQueue(t, 512)
    await queue.push(makeBatch({ status: 'in_progress', lines: 400 }))
    let taken = 0
    const takeAll = async () => {
      while ((await queue.claim()) !== null) taken += 1
      return taken >= 300
    }
    await eventually(takeAll, 30_000, 'the replica has 300 lines')
  })
})
