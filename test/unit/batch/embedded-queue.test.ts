import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setBit } from '../../../gateway/batch/bits.ts'
import type { BatchQueue } from '../../../gateway/batch/queue.ts'
import { createEmbeddedQueue } from '../../../gateway/batch/embedded/queue.ts'
import { eventually } from '../../support/within.ts'
import { makeBatch, openBatches } from './make-batch.ts'

async function claimed(queue: BatchQueue, count: number): Promise<string[]> {
  const names: string[] = []
  for (let index = 0; index < count; index++) {
    const found = await queue.claim()
    if (found === null) names.push('nothing')
    else names.push(found.task.kind === 'line' ? `${found.task.batch} ${found.task.line}` : found.task.kind)
  }
  return names
}

describe('the embedded queue', () => {
  it('hands out each line that has not ended, once', async () => {
    await using opened = openBatches()
    const ended = new Uint8Array(1)
    setBit(ended, 1)
    await opened.queue.push(makeBatch({ lines: 4 }), ended)
    assert.equal(await opened.queue.waiting?.(), 4)
    assert.deepEqual(await claimed(opened.queue, 2), ['batch_1 0', 'batch_1 2'])
    assert.deepEqual(await claimed(opened.another, 2), ['batch_1 3', 'nothing'])
    // It was said again, by a process that did not know.
    await opened.queue.push(makeBatch({ lines: 4 }), ended)
    assert.deepEqual(await claimed(opened.another, 1), ['nothing'])
  })

  it('has keys take turns, and the batches of a key; what is about a whole batch goes first', async () => {
    await using opened = openBatches()
    const { queue } = opened
    for (const [id, owner] of [
      ['batch_1', 'one'],
      ['batch_2', 'one'],
      ['batch_3', 'two'],
    ] as const) {
      await queue.push(makeBatch({ id, owner, lines: 9 }))
    }
    const [first, second, ...rest] = await claimed(queue, 8)
    assert.deepEqual([first?.slice(0, 7), second], ['batch_1', 'batch_3 0'])
    const counts = [first, second, ...rest].map((name) => name?.slice(0, 7))
    assert.deepEqual(
      ['batch_1', 'batch_2', 'batch_3'].map((id) => counts.filter((name) => name === id).length),
      [2, 2, 4],
    )
    await queue.push(makeBatch({ id: 'batch_4', owner: 'one', status: 'validating' }))
    assert.deepEqual(await claimed(queue, 1), ['validate'])
  })

  it('hands out no more lines of a batch of which many are put off, but those of others', async () => {
    await using opened = openBatches()
    const { queue } = opened
    await queue.push(makeBatch({ lines: 1000 }))
    for (let index = 0; index < 64; index++) await (await queue.claim())?.later(60)
    assert.deepEqual(await claimed(queue, 1), ['nothing'])
    await queue.push(makeBatch({ id: 'batch_2', lines: 1 }))
    assert.deepEqual(await claimed(queue, 2), ['batch_2 0', 'nothing'])
    opened.tables.run('UPDATE batch_tasks SET not_before = 0 WHERE line = 7')
    assert.deepEqual(await claimed(queue, 2), ['batch_1 7', 'batch_1 64'])
  })

  it('hands out again what a process has left, and counts that; what was put back does not count', async () => {
    await using opened = openBatches()
    const { queue, another, endLeases } = opened
    await queue.push(makeBatch({ lines: 1 }))
    const first = await queue.claim()
    assert.equal(first?.attempts, 1)
    await first.later(0)
    // As setbacks do, whose times are random.
    await (await queue.claim())?.later(0.0001234567)
    await delay(2)
    assert.equal((await queue.claim())?.attempts, 1)
    assert.equal(await another.claim(), null)
    endLeases()
    const taken = await another.claim()
    assert.equal(taken?.attempts, 2)
    await taken.later(60)
    assert.equal(await another.claim(), null)
  })

  it('hands out again, in the same process, what could not be said to be done or put off', async () => {
    await using opened = openBatches()
    const isFull = { now: false }
    const atOnce: typeof opened.tables.atOnce = async (change, signal) => {
      if (isFull.now) throw new Error('The disk is full.')
      return opened.tables.atOnce(change, signal)
    }
    const queue = createEmbeddedQueue({ ...opened.tables, atOnce }, () => {})
    await queue.push(makeBatch({ lines: 2 }))
    const [first, second] = [await queue.claim(), await queue.claim()]
    isFull.now = true
    await assert.rejects(async () => first?.done(), /full/)
    await assert.rejects(async () => second?.later(5), /full/)
    isFull.now = false
    const again: (number | undefined)[] = []
    await eventually(
      async () => {
        const found = await queue.claim()
        if (found !== null) again.push(found.attempts)
        return again.length === 2
      },
      20_000,
      'both are handed out again',
    )
    assert.deepEqual(again, [1, 1])
    await queue.close()
  })

  it('takes back the lines of a batch that was cancelled, and has it finalized once', async () => {
    await using opened = openBatches()
    const { queue, another } = opened
    await queue.push(makeBatch())
    const line = await queue.claim()
    const cancelling = makeBatch({ status: 'cancelling' })
    await queue.push(cancelling)
    await queue.stop('batch_1')
    assert.equal(line?.lost.aborted, true)
    // Nothing happens where it has nothing any more.
    await line.done()
    await line.later(0)
    const whole = await another.claim()
    assert.equal(whole?.task.kind, 'finalize')
    await queue.push(cancelling)
    assert.equal(await queue.claim(), null)
    await whole.done()
    assert.equal(await queue.claim(), null)
  })

  it('begins the next step of a batch before the last one has said that it is done', async () => {
    await using opened = openBatches()
    const { queue } = opened
    await queue.push(makeBatch({ status: 'validating' }))
    const validation = await queue.claim()
    await queue.push(makeBatch({ lines: 1 }))
    await validation?.done()
    const line = await queue.claim()
    assert.deepEqual(line?.task, { batch: 'batch_1', kind: 'line', line: 0 })
    await queue.push(makeBatch({ status: 'finalizing' }))
    await line.done()
    assert.equal((await queue.claim())?.task.kind, 'finalize')
  })
})

describe('the embedded store', () => {
  const usage = { inputTokens: 3, cachedTokens: 1, outputTokens: 2 }

  it('counts each line once, as it ended first', async () => {
    await using opened = openBatches()
    const { store } = opened
    await store.add(makeBatch({ lines: 20 }))
    await store.endLines('batch_1', new Map([[0, { outcome: 'completed', usage }], [17, { outcome: 'failed', usage }]])) // prettier-ignore
    await store.endLines('batch_1', new Map([[17, { outcome: 'completed', usage }], [9, { outcome: 'completed', usage }]])) // prettier-ignore
    const batch = await store.find('', 'batch_1')
    assert.deepEqual(batch?.counts, { total: 20, completed: 2, failed: 1 })
    assert.deepEqual(batch.usage, { inputTokens: 9, cachedTokens: 3, outputTokens: 6 })
    assert.deepEqual([...(await store.endedLines('batch_1'))], [1, 2, 2])
  })

  it('changes a batch only from the status that is named, and finds those whose time has come', async () => {
    await using opened = openBatches()
    const { store } = opened
    for (const id of ['batch_1', 'batch_2', 'batch_3']) await store.add(makeBatch({ id, owner: 'a' }))
    assert.equal(await store.change('batch_1', ['validating'], { status: 'failed' }), null)
    const ended = await store.change('batch_1', ['in_progress'], { status: 'completed', outputFileId: 'file-9' })
    assert.deepEqual(ended, await store.find('a', 'batch_1'))
    assert.equal(await store.find('b', 'batch_1'), null)
    assert.equal(await store.unended('a'), 2)
    const { late, old } = await store.due(1001, Date.now() / 1000 + 5)
    assert.deepEqual([late.map(({ id }) => id), old.map(({ id }) => id)], [['batch_2', 'batch_3'], ['batch_1']])
    await store.forget(['batch_1'])
    const { batches, hasMore } = await store.list('a', null, 1)
    assert.deepEqual([batches.map(({ id }) => id), hasMore], [['batch_3'], true])
    assert.deepEqual(
      (await store.list('a', 'batch_3', 1)).batches.map(({ id }) => id),
      ['batch_2'],
    )
  })
})
