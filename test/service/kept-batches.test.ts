import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createKeptBatchStore } from '../../gateway/batch/kept-rows.ts'
import { createRedisBatchStore } from '../../gateway/batch/redis-store.ts'
import type { LineEnd } from '../../gateway/batch/store.ts'
import { createDiskBlobs } from '../../gateway/files/disk-blobs.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { testBatchStore } from '../support/batch-store-suite.ts'
import { closingOf } from '../support/closing.ts'
import { makeBatch } from '../support/make-batch.ts'
import { startRedis } from '../support/start-redis.ts'
import { useFolder } from '../support/use-folder.ts'

const DONE: LineEnd = { outcome: 'completed', usage: { inputTokens: 3, cachedTokens: 1, outputTokens: 7 } }
const FAILED: LineEnd = { outcome: 'failed', usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 } }

describe('batches whose Redis may be emptied', () => {
  const folder = useFolder()
  let tests = 0

  async function start(t: TestContext) {
    const redis = closingOf(t).use(await startRedis())
    tests += 1
    const blobs = createDiskBlobs(join(folder.path, `${tests}`), 60_000)
    const ends = new Map<number, LineEnd>()
    const troubles: string[] = []
    const open = (isTroubled = false) => {
      const onError = (error: unknown): void => {
        if (!isTroubled) assert.fail(String(error))
        troubles.push(String(error))
      }
      const shared = closingOf(t).adopt(createSharedRedis({ url: redis.url }), (it) => it.close())
      const options = { blobs, findEnds: async () => ends, onError }
      const store = createKeptBatchStore({ store: createRedisBatchStore(shared), ...options })
      return {
        store,
        empty: () => shared.run((client) => client.flushall()),
        refuseWrites: (refuses: boolean) =>
          shared.run((client) => client.config('SET', 'maxmemory', refuses ? '1' : '0')),
      }
    }
    return { open, ends, blobs, troubles }
  }

  testBatchStore(async (t) => {
    const { open } = await start(t)
    return () => open().store
  })

  const unended = async (store: ReturnType<typeof createKeptBatchStore>) => {
    const ids: string[] = []
    for await (const { batch } of store.allUnended()) ids.push(batch.id)
    return ids
  }

  it('finds a batch again by its id, as it was last, with what its lines say of how far it is', async (t) => {
    const { open, ends } = await start(t)
    const { store, empty } = open()
    const batch = makeBatch()
    await store.add(batch)
    await store.change(batch.id, ['validating'], { status: 'in_progress', lines: 10, model: 'm' })
    for (const [line, end] of [
      [1, DONE],
      [8, FAILED],
    ] as const)
      ends.set(line, end)
    await empty()
    const found = await store.find('team', batch.id)
    assert.deepEqual(
      [found?.status, found?.model, found?.counts, found?.usage.outputTokens],
      ['in_progress', 'm', { total: 10, completed: 1, failed: 1 }, 7],
    )
    assert.deepEqual([...(await store.endedLines(batch.id))], [0b10, 0b1])
    await store.endLines(
      batch.id,
      new Map([
        [1, DONE],
        [2, DONE],
      ]),
    )
    assert.equal((await store.find('team', batch.id))?.counts.completed, 2)
    assert.equal(await store.find('other', batch.id), null)
  })

  it('gives an emptied Redis no batch that it did not take', async (t) => {
    const { open } = await start(t)
    const { store, empty, refuseWrites } = open()
    await refuseWrites(true)
    const batch = makeBatch()
    await assert.rejects(store.add(batch), { code: 'storage_unavailable' })
    await refuseWrites(false)
    await empty()
    assert.deepEqual(await unended(store), [])
    assert.equal(await store.find('team', batch.id), null)
  })

  it('puts back what it understands, whatever else lies there', async (t) => {
    const { open, blobs, troubles } = await start(t)
    const { store, empty } = open(true)
    const batches = [makeBatch(), makeBatch(), makeBatch(), makeBatch()]
    for (const batch of batches) await store.add(batch)
    const [one, newer, damaged, last] = batches.map(({ id }) => id)
    await blobs.write(`${newer}.row`, [Buffer.from('{"version":"2"}')])
    await blobs.write(`${damaged}.row`, [Buffer.from('{"version":"1","fix')])
    await empty()
    assert.deepEqual(await unended(store), [one, last])
    assert.equal(await store.wasEmptied(), false)
    assert.match(troubles.toSorted().join('\n'), /newer version[^]*damaged/)
    await assert.rejects(store.find(null, newer!), { code: 'storage_unavailable' })
  })

  it('puts all batches back, those that ended too, and none that was forgotten', async (t) => {
    const { open } = await start(t)
    const { store, empty } = open()
    const [running, ended, forgotten] = [makeBatch(), makeBatch(), makeBatch()]
    for (const batch of [running, ended, forgotten]) await store.add(batch)
    for (const { id } of [ended, forgotten]) await store.change(id, ['validating'], { status: 'failed' })
    await store.forget([forgotten.id])
    assert.deepEqual(await unended(store), [running.id])
    await empty()
    // Something new is no sign that all is there.
    const later = makeBatch()
    await store.add(later)
    assert.deepEqual(await unended(open().store), [running.id, later.id])
    const { batches } = await store.list('team', null, 10)
    assert.deepEqual(
      batches.map(({ id, status }) => [id, status]),
      [
        [later.id, 'validating'],
        [ended.id, 'failed'],
        [running.id, 'validating'],
      ],
    )
    assert.equal(await store.find('team', forgotten.id), null)
  })

  it('goes on to the end with a batch of which all lines had ended', async (t) => {
    const { open, ends } = await start(t)
    const { store, empty } = open()
    const batch = makeBatch({ status: 'in_progress', lines: 2 })
    await store.add(batch)
    for (const line of [0, 1]) ends.set(line, DONE)
    await empty()
    const found = await store.find(null, batch.id)
    assert.equal(found?.status, 'finalizing')
    assert.ok(found.times.finalizing)
  })

  it('looks for no name that a client made up', async (t) => {
    const { open } = await start(t)
    const { store } = open()
    for (const id of ['batch_../../etc', 'batch_', '', 'batch_a/b', 'batch_a.index'])
      assert.equal(await store.find(null, id), null, id)
  })
})
