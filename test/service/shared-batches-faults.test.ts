import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { createBullQueue } from '../../gateway/batch/bull-queue.ts'
import type { BatchQueue, ClaimedTask } from '../../gateway/batch/queue.ts'
import { createRedisBatchStore } from '../../gateway/batch/redis-store.ts'
import { createRedisStore } from '../../gateway/cache/redis-store.ts'
import type { LineEnd } from '../../gateway/batch/store.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { closingOf } from '../support/closing.ts'
import { makeBatch } from '../support/make-batch.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { eventually, within } from '../support/within.ts'

const DURABLE = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] }
const LOCK = 1_500
const PATIENCE = 20_000
const DONE: LineEnd = { outcome: 'completed', usage: { inputTokens: 1, cachedTokens: 0, outputTokens: 1 } }

const start = async (t: TestContext): Promise<RedisServer> => closingOf(t).use(await startRedis(DURABLE))

function openReplica(t: TestContext, { url }: RedisServer) {
  const shared = createSharedRedis({ url, patience: 500, silence: 1_000 })
  const store = createRedisBatchStore(shared)
  const unended = async function* () {
    for (const batch of await store.unendedAfter('')) yield { batch, ended: () => store.endedLines(batch.id) }
  }
  const queue = createBullQueue({ shared, lines: 4, unended, onError: () => {}, lockMs: LOCK, lookMs: 300 })
  closingOf(t).defer(() => shared.close())
  closingOf(t).defer(() => queue.close())
  return { shared, store, queue }
}

function operator(t: TestContext, { url }: RedisServer): Redis {
  const redis = new Redis(url)
  redis.on('error', () => {})
  closingOf(t).defer(() => redis.disconnect())
  return redis
}

async function claim(queue: BatchQueue): Promise<ClaimedTask> {
  let claimed: ClaimedTask | null = null
  await eventually(async () => (claimed = await queue.claim()) !== null, PATIENCE, 'a task')
  return claimed!
}

/** Reads lines as a runner does, until the batch has none left; returns how often each was begun. */
async function readAll({ queue, store }: ReturnType<typeof openReplica>, id: string, begun: number[]): Promise<void> {
  const isOver = async () => (await store.find(null, id).catch(() => null))?.counts.completed === begun.length
  for (const until = performance.now() + PATIENCE; performance.now() < until && !(await isOver());) {
    const claimed = await queue.claim()
    if (claimed === null) await new Promise((resolve) => setTimeout(resolve, 20))
    else if (claimed.task.kind === 'line') {
      const { line } = claimed.task
      begun[line] = (begun[line] ?? 0) + 1
      const keep = () =>
        store.endLines(id, new Map([[line, DONE]])).then(
          () => true,
          () => false,
        )
      await eventually(keep, PATIENCE, 'the end is kept')
      await claimed.done()
    }
  }
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe('batches in Redis: an outage', { concurrency: true }, () => {
  const outages = {
    'is killed, and comes back with its log': async (redis: RedisServer) => {
      await redis.kill()
      await wait(2 * LOCK)
      await redis.restart()
    },
    hangs: async (redis: RedisServer) => {
      redis.pause()
      await wait(2 * LOCK)
      redis.resume()
    },
    'is full': async (redis: RedisServer, t: TestContext) => {
      await operator(t, redis).config('SET', 'maxmemory', '1')
      await wait(2 * LOCK)
      await operator(t, redis).config('SET', 'maxmemory', '0')
    },
    'is read-only': async (redis: RedisServer, t: TestContext) => {
      await operator(t, redis).call('replicaof', '127.0.0.1', '1')
      await wait(2 * LOCK)
      await operator(t, redis).call('replicaof', 'no', 'one')
    },
  }
  for (const [name, outage] of Object.entries(outages)) {
    it(`goes on with what it has while Redis ${name}, and with the rest afterwards`, async (t) => {
      const redis = await start(t)
      const [one, other] = [openReplica(t, redis), openReplica(t, redis)]
      const batch = makeBatch({ status: 'in_progress', lines: 40 })
      await one.store.add(batch)
      await one.queue.push(batch)
      const held = [await claim(one.queue), await claim(one.queue), await claim(other.queue)]
      const begun = Array.from({ length: 40 }, () => 0)
      for (const { task } of held) if (task.kind === 'line') begun[task.line] = 1
      const over = outage(redis, t)
      await wait(LOCK / 2)
      // It was read while Redis was away.
      const ending = held[0]!.done()
      await over
      await within(ending, PATIENCE, 'the end of a line arrives')
      const ended = held[0]!.task.kind === 'line' ? held[0]!.task.line : -1
      await one.store.endLines(batch.id, new Map([[ended, DONE]]))
      await wait(2 * LOCK)
      assert.deepEqual(
        held.slice(1).map(({ lost }) => lost.aborted),
        [false, false],
      )
      const rest = Promise.all([readAll(one, batch.id, begun), readAll(other, batch.id, begun)])
      for (const line of held.slice(1)) {
        const { task } = line
        if (task.kind === 'line') await one.store.endLines(batch.id, new Map([[task.line, DONE]]))
        await line.done()
      }
      await rest
      assert.deepEqual(
        begun,
        Array.from({ length: 40 }, () => 1),
      )
      const { counts, usage } = (await one.store.find(null, batch.id))!
      assert.deepEqual([counts.completed, usage.inputTokens], [40, 40])
    })
  }
})

describe('batches in Redis: replicas', { concurrency: true }, () => {
  it('gives the line of a process that stands still to another, and counts it once when it wakes', async (t) => {
    const redis = await start(t)
    const { store, queue } = openReplica(t, redis)
    const batch = makeBatch({ status: 'in_progress', lines: 1 })
    await store.add(batch)
    await queue.push(batch)
    const script = join(import.meta.dirname, '../support/batch-queue-process.ts')
    const child = spawn(process.execPath, [script, redis.url, `${LOCK}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    closingOf(t).defer(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (data: Buffer) => (said += data.toString()))
    await eventually(() => said.includes('claimed'), PATIENCE, 'the other process has the line')
    child.kill('SIGSTOP')
    const again = await claim(queue)
    assert.deepEqual([again.task, again.attempts], [{ batch: batch.id, kind: 'line', line: 0 }, 2])
    child.kill('SIGCONT')
    child.stdin.write('go\n')
    await store.endLines(batch.id, new Map([[0, DONE]]))
    await eventually(() => said.includes('ended'), PATIENCE, 'the other process gives up')
    // It may have been told already that the line has ended elsewhere.
    await again.done()
    assert.deepEqual((await store.find(null, batch.id))?.counts, { total: 1, completed: 1, failed: 0 })
    assert.equal(await queue.claim(), null)
  })

  it('hands out again what a process took from the turns, and did not put into the line', async (t) => {
    const redis = await start(t)
    const one = openReplica(t, redis)
    const batch = makeBatch({ status: 'in_progress', lines: 3 })
    await one.store.add(batch)
    await one.queue.push(batch)
    const admin = operator(t, redis)
    for (const key of await admin.keys('ocr-gateway:bull:*')) await admin.del(key)
    // Handed out long ago, as the turns say.
    for (const key of await admin.keys('*:out:*')) {
      for (const task of await admin.zrange(key, '0', '-1')) await admin.zadd(key, 'XX', 1, task)
    }
    const begun = [0, 0, 0]
    await readAll(one, batch.id, begun)
    assert.deepEqual(begun, [1, 1, 1])
  })

  it('goes on with a batch whose next step was never pushed', async (t) => {
    const redis = await start(t)
    const one = openReplica(t, redis)
    const [lines, finalizing] = [makeBatch({ status: 'in_progress', lines: 3 }), makeBatch({ status: 'finalizing' })]
    for (const batch of [lines, finalizing]) await one.store.add(batch)
    await one.store.endLines(lines.id, new Map([[1, DONE]]))
    const seen = new Set<string>()
    for (let count = 0; count < 3; count += 1) {
      const claimed = await claim(one.queue)
      const { task } = claimed
      seen.add(task.kind === 'line' ? `${task.batch}:${task.line}` : `${task.batch}:${task.kind}`)
      await claimed.done()
    }
    assert.deepEqual(seen, new Set([`${lines.id}:0`, `${lines.id}:2`, `${finalizing.id}:finalize`]))
  })

  it('loses nothing to pages that need room', async (t) => {
    const redis = closingOf(t).use(
      await startRedis({ args: ['--maxmemory', '4mb', '--maxmemory-policy', 'volatile-lru'] }),
    )
    const { store, queue } = openReplica(t, redis)
    const batches = Array.from({ length: 50 }, () => makeBatch({ status: 'in_progress', lines: 20 }))
    for (const batch of batches) await store.add(batch)
    for (const batch of batches) await queue.push(batch)
    const options = { url: redis.url, maxValueBytes: 100_000, ttlSeconds: 600, commandTimeoutMs: 5_000 }
    const log = { info: () => {}, warn: () => {} }
    const pages = createRedisStore({ ...options, claimLimitMs: 60_000, log })
    closingOf(t).defer(() => pages.close())
    for (let page = 0; page < 400; page += 1) await pages.set(`page-${page}`, 'x'.repeat(20_000))
    const admin = operator(t, redis)
    assert.ok(Number(/evicted_keys:(\d+)/.exec(await admin.info('stats'))?.[1]) > 100)
    for (const { id } of batches) assert.equal((await store.find(null, id))?.lines, 20)
    const lines = new Set<string>()
    for (let claimed = await queue.claim(); claimed !== null; claimed = await queue.claim()) {
      lines.add(JSON.stringify(claimed.task))
      await claimed.done()
    }
    assert.equal(lines.size, 1000)
  })

  it('needs no right but to its own keys', async (t) => {
    const redis = await start(t)
    // As docs/operating.md says.
    const rights = ['~ocr-gateway:*', '&*', '+@all', '-@admin', '-@dangerous', '+info']
    await operator(t, redis).call('ACL', 'SETUSER', 'gateway', 'on', '>secret', ...rights)
    const { store, queue } = openReplica(t, { ...redis, url: redis.url.replace('//', '//gateway:secret@') })
    const batch = makeBatch({ status: 'in_progress', lines: 3 })
    await store.add(batch)
    await queue.push(batch)
    const [first, second] = [await claim(queue), await claim(queue)]
    await first.done()
    await second.later(1)
    await queue.stop(batch.id)
    await store.endLines(batch.id, new Map([[0, DONE]]))
    assert.equal((await store.find(null, batch.id))?.counts.completed, 1)
  })

  it('gives a batch its whole time, whatever the clock of the replica says that made it', async (t) => {
    const redis = await start(t)
    const { store } = openReplica(t, redis)
    const now = Math.floor(Date.now() / 1000)
    const due = async () => (await store.due(Math.floor(Date.now() / 1000), 0)).late.map(({ id }) => id)
    t.mock.timers.enable({ apis: ['Date'], now: (now - 7200) * 1000 })
    const batch = makeBatch({ times: { ...makeBatch().times, created: now - 7200, expires: now - 3600 } })
    await store.add(batch)
    t.mock.timers.reset()
    assert.deepEqual(await due(), [])
    t.mock.timers.enable({ apis: ['Date'], now: (now + 7200) * 1000 })
    // By the clock of Redis it is not over yet.
    assert.deepEqual(await due(), [])
    t.mock.timers.reset()
    assert.deepEqual(
      (await store.due(now + 3700, 0)).late.map(({ id }) => id),
      [batch.id],
    )
  })

  it('leaves a batch alone that is damaged, or of a newer version, and finds those behind it', async (t) => {
    const redis = await start(t)
    const { shared } = openReplica(t, redis)
    const left: string[] = []
    const store = createRedisBatchStore(shared, (error) => left.push(error.code))
    const batches = Array.from({ length: 122 }, () => makeBatch())
    for (const batch of batches) await store.add(batch)
    const [own, ...others] = batches.toReversed()
    const admin = operator(t, redis)
    for (const { id } of others) await admin.hset(`ocr-gateway:batches:row:${id}`, 'version', 2)
    await admin.hset(`ocr-gateway:batches:row:${others[0]!.id}`, 'version', 1, 'times', '{}')
    assert.deepEqual(await store.unendedAfter(''), [own])
    assert.deepEqual((await store.list('team', null, 5)).batches, [own])
    assert.deepEqual(new Set(left), new Set(['storage_unavailable', 'internal_error']))
    await assert.rejects(store.find(null, others[0]!.id), { code: 'internal_error', message: /damaged/ })
  })

  it('leaves a batch of a newer version alone', async (t) => {
    const redis = await start(t)
    const { store, queue } = openReplica(t, redis)
    const [newer, own] = [makeBatch({ times: { ...makeBatch().times, expires: 1 } }), makeBatch()]
    for (const batch of [newer, own]) await store.add(batch)
    await operator(t, redis).hset(`ocr-gateway:batches:row:${newer.id}`, 'version', 2, 'status', '"dreaming"')
    await assert.rejects(store.find('team', newer.id), /newer version/)
    assert.deepEqual((await store.list('team', null, 10)).batches, [own])
    assert.deepEqual((await store.due(1_000, 1_000)).late, [])
    assert.equal(await store.change(newer.id, ['validating'], { status: 'failed' }), null)
    const { task } = await claim(queue)
    assert.deepEqual(task, { batch: own.id, kind: 'validate' })
    assert.equal(await queue.claim(), null)
  })
})
