import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import type { BatchQueue, BatchTask, ClaimedTask } from '../../gateway/batch/queue.ts'
import { makeBatch } from './make-batch.ts'
import { eventually } from './within.ts'

/** The longest that a task of a process that has ended stays away. */
const PATIENCE = 30_000

/** A queue of one process. */
export interface TestedQueue {
  readonly queue: BatchQueue
  /** Ends it as `kill -9` does: it says nothing to anybody. */
  readonly kill: () => void
}

const nameOf = (task: BatchTask): string => (task.kind === 'line' ? `${task.line}` : task.kind)

async function next(queue: BatchQueue, label: string): Promise<ClaimedTask> {
  let claimed: ClaimedTask | null = null
  await eventually(async () => (claimed = await queue.claim()) !== null, PATIENCE, label)
  return claimed!
}

/** Does everything there is, so many at a time, and returns what it was. */
async function drain(queue: BatchQueue, atATime = 1): Promise<BatchTask[]> {
  const tasks: BatchTask[] = []
  const held: ClaimedTask[] = []
  for (;;) {
    const claimed = await queue.claim()
    if (claimed !== null) {
      tasks.push(claimed.task)
      held.push(claimed)
    }
    if (claimed !== null && held.length < atATime) continue
    if (held.length === 0) return tasks
    await held.shift()?.done()
  }
}

/** What any queue of batches promises; `open` gives the queue of another process over the same state each time it is called. */
export function testBatchQueue(open: (t: TestContext) => Promise<() => Promise<TestedQueue>>): void {
  it('hands out the step that a status asks for, and each line once', async (t) => {
    const { queue } = await (await open(t))()
    const batch = makeBatch({ lines: 100 })
    assert.equal(await queue.claim(), null)
    for (const [status, kind] of [
      ['validating', 'validate'],
      ['finalizing', 'finalize'],
      ['cancelling', 'finalize'],
    ] as const) {
      await queue.push({ ...batch, status })
      await queue.push({ ...batch, status })
      assert.deepEqual(await drain(queue), [{ batch: batch.id, kind }])
    }
    await queue.push({ ...batch, id: `${batch.id}b`, status: 'in_progress' })
    await queue.push({ ...batch, id: `${batch.id}b`, status: 'in_progress' })
    const lines = (await drain(queue)).map(nameOf)
    assert.deepEqual(
      lines,
      Array.from({ length: 100 }, (_, line) => `${line}`),
    )
    await queue.push({ ...batch, status: 'completed' })
    assert.equal(await queue.claim(), null)
  })

  it('leaves out the lines that have ended', async (t) => {
    const { queue } = await (await open(t))()
    const batch = makeBatch({ status: 'in_progress', lines: 20 })
    await queue.push(batch, Uint8Array.of(0b1111_0110, 0b1000_0000))
    const left = (await drain(queue)).map(nameOf)
    assert.deepEqual(left, ['0', '3', '8', '9', '10', '11', '12', '13', '14', '16', '17', '18', '19'])
  })

  it('hands a task to one process at a time, and not again when it is done', async (t) => {
    const processes = await open(t)
    const [one, other] = [await processes(), await processes()]
    await one.queue.push(makeBatch({ status: 'in_progress', lines: 60 }))
    const seen = (await Promise.all([drain(one.queue), drain(other.queue), drain(other.queue)])).flat().map(nameOf)
    // Others' tasks may come a moment later.
    await eventually(
      async () => {
        seen.push(...(await drain(one.queue)).map(nameOf))
        return seen.length >= 60
      },
      PATIENCE,
      'all lines',
    )
    assert.deepEqual(
      seen.map(Number).toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, line) => line),
    )
  })

  it('lets keys take turns, and the batches of a key', async (t) => {
    const { queue } = await (await open(t))()
    const large = makeBatch({ owner: 'a', status: 'in_progress', lines: 500 })
    const small = makeBatch({ owner: 'a', status: 'in_progress', lines: 20 })
    const others = makeBatch({ owner: 'b', status: 'in_progress', lines: 20 })
    for (const batch of [large, small, others]) await queue.push(batch)
    const order = (await drain(queue, 4)).map(({ batch }) => batch)
    assert.equal(order.length, 540)
    const endOf = (id: string) => order.lastIndexOf(id)
    assert.ok(endOf(others.id) < 100, `the other key's batch ended at ${endOf(others.id)}`)
    assert.ok(endOf(small.id) < 150, `the small batch ended at ${endOf(small.id)}`)
  })

  it('puts a task off, and hands it out again', async (t) => {
    const { queue } = await (await open(t))()
    await queue.push(makeBatch({ status: 'in_progress', lines: 1 }))
    const first = await next(queue, 'the line')
    const putOffAt = performance.now()
    await first.later(1)
    assert.equal(await queue.claim(), null)
    const again = await next(queue, 'the line again')
    assert.ok(performance.now() - putOffAt > 900)
    assert.deepEqual([again.task, again.attempts], [first.task, 1])
    await again.done()
    assert.equal(await queue.claim(), null)
  })

  it('takes back the lines of a batch that is stopped, those being read included', async (t) => {
    const processes = await open(t)
    const [one, other] = [await processes(), await processes()]
    const batch = makeBatch({ status: 'in_progress', lines: 50 })
    await one.queue.push(batch)
    const here = await next(one.queue, 'a line here')
    const there = await next(other.queue, 'a line there')
    await one.queue.stop(batch.id)
    await eventually(() => here.lost.aborted && there.lost.aborted, 5_000, 'the lines are lost')
    assert.deepEqual([await one.queue.claim(), await other.queue.claim()], [null, null])
    await here.done()
    await there.later(1)
    await one.queue.push({ ...batch, status: 'cancelling' })
    assert.deepEqual((await drain(one.queue)).map(nameOf), ['finalize'])
  })

  it('puts back what a process has when it closes', async (t) => {
    const processes = await open(t)
    const [one, other] = [await processes(), await processes()]
    await one.queue.push(makeBatch({ status: 'in_progress', lines: 2 }))
    const tasks = [await next(one.queue, 'first'), await next(one.queue, 'second')]
    await one.queue.close()
    const again = [await next(other.queue, 'first again'), await next(other.queue, 'second again')]
    const names = (all: readonly ClaimedTask[]) => all.map(({ task }) => nameOf(task)).toSorted()
    assert.deepEqual(names(again), names(tasks))
    assert.deepEqual(
      again.map(({ attempts }) => attempts),
      [1, 1],
    )
  })

  it('hands on what a process had that was killed, and says how often that was', async (t) => {
    const processes = await open(t)
    const first = await processes()
    await first.queue.push(makeBatch({ status: 'in_progress', lines: 1 }))
    const lost = await next(first.queue, 'the line')
    first.kill()
    const second = await processes()
    const again = await next(second.queue, 'the line is handed on')
    assert.deepEqual([again.task, again.attempts], [lost.task, 2])
    await again.done()
    assert.equal(await second.queue.claim(), null)
  })

  it('tells that there is work, when it is pushed here and elsewhere', async (t) => {
    const processes = await open(t)
    const [one, other] = [await processes(), await processes()]
    let told = 0
    const forget = other.queue.onWork(() => (told += 1))
    await one.queue.push(makeBatch({ status: 'in_progress', lines: 1 }))
    await eventually(() => told > 0, 5_000, 'the other process is told')
    forget()
  })
}
