import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createDatabase } from '../../gateway/store/database.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { endEvent, type WebhookEvent } from '../../gateway/webhook/event.ts'
import { KEPT_MS, type ClaimedEvent, type Outbox } from '../../gateway/webhook/outbox.ts'
import { createRedisOutbox } from '../../gateway/webhook/redis-outbox.ts'
import { createSqlOutbox } from '../../gateway/webhook/sql-outbox.ts'
import { startRedis } from '../support/start-redis.ts'

/** Two processes, or replicas, over the same events, at a time that the test says. */
interface Bench extends AsyncDisposable {
  readonly outbox: Outbox
  readonly other: Outbox
  /** Lets time pass. */
  pass(milliseconds: number): void
}

async function embedded(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  let time = START
  const databases = [createDatabase(folder), createDatabase(folder)]
  const [outbox, other] = databases.map((database) => createSqlOutbox(database, () => time))
  return {
    outbox: outbox!,
    other: other!,
    pass: (milliseconds) => (time += milliseconds),
    async [Symbol.asyncDispose]() {
      for (const database of databases) database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function inRedis(): Promise<Bench> {
  const redis = await startRedis()
  let time = START
  const connections = [createSharedRedis({ url: redis.url }), createSharedRedis({ url: redis.url })]
  const [outbox, other] = connections.map((shared) => createRedisOutbox(shared, () => time))
  return {
    outbox: outbox!,
    other: other!,
    pass: (milliseconds) => (time += milliseconds),
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()))
      await redis.stop()
    },
  }
}

const START = 1_764_000_000_000
const LEASE = 20_000

const eventOf = (id: string, owner = 'one', endedAt = START): WebhookEvent =>
  endEvent('batch.completed', { id, owner, endedAt })
const objectOf = (claimed: ClaimedEvent | null) => claimed?.event.objectId ?? null

for (const [name, open] of [
  ['in the embedded database', embedded],
  ['in Redis', inRedis],
] as const) {
  describe(`webhook events ${name}`, () => {
    it('are added once, whoever adds them and however often', async () => {
      await using bench = await open()
      assert.equal(await bench.outbox.claim(LEASE), null)
      await bench.outbox.add([eventOf('a'), eventOf('b')])
      await bench.other.add([eventOf('a')])
      assert.equal((await bench.outbox.backlog()).waiting, 2)
      const claims = [await bench.outbox.claim(LEASE), await bench.other.claim(LEASE), await bench.outbox.claim(LEASE)]
      assert.deepEqual(new Set(claims.map(objectOf)), new Set(['a', 'b', null]))
      // What was delivered stays so.
      await bench.outbox.note(claims[0]!, { status: 'delivered' })
      await bench.outbox.add([eventOf('a'), eventOf('b')])
      assert.equal(await bench.outbox.claim(LEASE), null)
    })

    it('are claimed by one of many at a time', async () => {
      await using bench = await open()
      const ids = Array.from({ length: 40 }, (_, index) => `batch_${index}`)
      await bench.outbox.add(ids.map((id) => eventOf(id)))
      const claims = await Promise.all(
        Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? bench.outbox : bench.other).claim(LEASE)),
      )
      assert.deepEqual(
        claims
          .map(objectOf)
          .filter((id) => id !== null)
          .toSorted(),
        ids.toSorted(),
      )
    })

    it('are claimed by another when a lease has ended, and what comes too late from the first changes nothing', async () => {
      await using bench = await open()
      await bench.outbox.add([eventOf('a')])
      const first = await bench.outbox.claim(LEASE)
      bench.pass(LEASE - 1)
      assert.equal(await bench.other.claim(LEASE), null)
      bench.pass(1)
      const second = await bench.other.claim(LEASE)
      assert.deepEqual([first?.event.attempts, second?.event.attempts], [1, 2])
      await bench.outbox.note(first!, { status: 'failed', problem: 'was late' })
      assert.equal((await bench.outbox.find('one', first!.event.id))?.status, 'pending')
      await bench.other.note(second!, { status: 'pending', problem: 'answered with status 500', delayMs: 5000 })
      const { status, problem, dueAt } = (await bench.outbox.find('one', first!.event.id))!
      assert.deepEqual({ status, problem, dueAt }, { status: 'pending', problem: 'answered with status 500', dueAt: START + LEASE + 5000 }) // prettier-ignore
      // But that it was delivered is true, whoever says so.
      await bench.outbox.note(first!, { status: 'delivered' })
      bench.pass(LEASE)
      assert.equal(await bench.other.claim(LEASE), null)
      assert.deepEqual(await bench.other.backlog(), { waiting: 0, oldestAt: null })
    })

    it('wait until their time, the one that has waited longest first', async () => {
      await using bench = await open()
      await bench.outbox.add([eventOf('a', 'one', START - 9000)])
      const claimed = await bench.outbox.claim(LEASE)
      await bench.outbox.note(claimed!, { status: 'pending', problem: 'is away', delayMs: 1000 })
      bench.pass(500)
      await bench.outbox.add([eventOf('b')])
      assert.deepEqual(await bench.outbox.backlog(), { waiting: 2, oldestAt: (START - 9000) / 1000 })
      bench.pass(1000)
      assert.deepEqual(
        [objectOf(await bench.outbox.claim(LEASE)), objectOf(await bench.outbox.claim(LEASE))],
        ['b', 'a'],
      )
    })

    it('that are given back are due at once, and it was no try', async () => {
      await using bench = await open()
      await bench.outbox.add([eventOf('a')])
      await bench.outbox.note((await bench.outbox.claim(LEASE))!, { status: 'pending', problem: 'is away', delayMs: 0 })
      await bench.outbox.note((await bench.outbox.claim(LEASE))!, { status: 'given back' })
      const again = await bench.other.claim(LEASE)
      assert.deepEqual([again?.event.attempts, again?.event.problem], [2, 'is away'])
    })

    it('are listed for their owner alone, the newest first, part by part', async () => {
      await using bench = await open()
      assert.deepEqual(await bench.outbox.list('one', { after: null, limit: 2, status: null }), {
        events: [],
        hasMore: false,
      })
      const events = Array.from({ length: 5 }, (_, index) => eventOf(`batch_${index}`, 'one', START + index * 1000))
      await bench.outbox.add([...events, eventOf('another', 'two')])
      const idsOf = async (after: string | null, status: 'failed' | null = null) =>
        (await bench.other.list('one', { after, limit: 2, status }))!
      const first = await idsOf(null)
      assert.deepEqual([first.events.map(({ objectId }) => objectId), first.hasMore], [['batch_4', 'batch_3'], true])
      const last = await idsOf((await idsOf(first.events[1]!.id)).events[1]!.id)
      assert.deepEqual([last.events.map(({ objectId }) => objectId), last.hasMore], [['batch_0'], false])
      assert.equal(await bench.outbox.list('one', { after: 'evt_none', limit: 2, status: null }), null)
      assert.equal(await bench.outbox.list('two', { after: events[0]!.id, limit: 2, status: null }), null)
      assert.equal(await bench.outbox.find('two', events[0]!.id), null)
      const claimed = await bench.outbox.claim(LEASE)
      await bench.outbox.note(claimed!, { status: 'failed', problem: 'is away' })
      assert.deepEqual(
        (await idsOf(null, 'failed')).events.map(({ id }) => id),
        [claimed!.event.id],
      )
    })

    it('are sent again when that is asked for, but not twice at once', async () => {
      await using bench = await open()
      await bench.outbox.add([eventOf('a')])
      const { id } = eventOf('a')
      const first = await bench.outbox.claim(LEASE)
      assert.equal((await bench.outbox.redeliver('one', id))?.attempts, 1)
      assert.equal(await bench.other.claim(LEASE), null)
      await bench.outbox.note(first!, { status: 'failed', problem: 'is away' })
      assert.equal(await bench.outbox.redeliver('two', id), null)
      assert.equal(await bench.outbox.redeliver('one', 'evt_none'), null)
      const { status, attempts, endedAt } = (await bench.outbox.redeliver('one', id))!
      assert.deepEqual({ status, attempts, endedAt }, { status: 'pending', attempts: 0, endedAt: null })
      const again = await bench.other.claim(LEASE)
      await bench.other.note(again!, { status: 'delivered' })
      assert.equal((await bench.outbox.find('one', id))?.problem, null)
      // One that waits for its next try need not wait.
      await bench.outbox.redeliver('one', id)
      await bench.outbox.note((await bench.outbox.claim(LEASE))!, {
        status: 'pending',
        problem: 'is away',
        delayMs: 9000,
      })
      await bench.outbox.redeliver('one', id)
      assert.equal(objectOf(await bench.outbox.claim(LEASE)), 'a')
      bench.pass(KEPT_MS.failed)
      await bench.outbox.forgetOld()
      assert.equal((await bench.outbox.find('one', id))?.status, 'pending')
    })

    it('are forgotten some time after their end, and not before', async () => {
      await using bench = await open()
      await bench.outbox.add([eventOf('delivered'), eventOf('failed'), eventOf('waits')])
      for (let claimed = await bench.outbox.claim(LEASE); claimed !== null; claimed = await bench.outbox.claim(LEASE)) {
        const { objectId } = claimed.event
        if (objectId === 'delivered') await bench.outbox.note(claimed, { status: 'delivered' })
        if (objectId === 'failed') await bench.outbox.note(claimed, { status: 'failed', problem: 'is away' })
      }
      const left = async (): Promise<string[]> => {
        while (await bench.outbox.forgetOld());
        const page = await bench.outbox.list('one', { after: null, limit: 9, status: null })
        return page!.events.map(({ objectId }) => objectId).toSorted()
      }
      bench.pass(KEPT_MS.delivered - 1)
      assert.deepEqual(await left(), ['delivered', 'failed', 'waits'])
      bench.pass(1)
      assert.deepEqual(await left(), ['failed', 'waits'])
      bench.pass(KEPT_MS.failed)
      assert.deepEqual(await left(), ['waits'])
      assert.equal((await bench.outbox.backlog()).waiting, 1)
    })
  })
}
