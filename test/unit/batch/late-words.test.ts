import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import type { Batch } from '../../../gateway/batch/batch.ts'
import { createBatches, type BatchesOptions } from '../../../gateway/batch/batches.ts'
import { createLateWords } from '../../../gateway/batch/late-words.ts'
import { timesWith } from '../../../gateway/batch/life-cycle.ts'
import { makeBatch } from './make-batch.ts'

/** A queue that is away until it is let back, and what it was told. */
function start() {
  const batches = new Map<string, Batch>()
  const told: string[] = []
  let isAway = true
  const say = (what: string): void => {
    if (isAway) throw new Error('Redis is away')
    told.push(what)
  }
  const store = {
    add: async (batch: Batch) => void batches.set(batch.id, batch),
    find: async (_: string | null, id: string) => batches.get(id) ?? null,
    endedLines: async () => Uint8Array.of(0b10),
    unended: async () => 0,
    due: async () => ({ late: [], old: [] }),
    async change(id: string, from: readonly string[], change: Partial<Batch>) {
      const known = batches.get(id)
      if (known === undefined || !from.includes(known.status)) return null
      batches.set(id, { ...known, ...change })
      return batches.get(id)!
    },
  }
  const queue = {
    push: async ({ id, status }: Batch, ended?: Uint8Array) => say(`${id} ${status} ${ended?.join() ?? ''}`.trim()),
    stop: async (id: string) => say(`stop ${id}`),
    claim: async () => null,
    onWork: () => () => {},
    close: async () => {},
  }
  const services = { store, queue, log: pino({ level: 'silent' }) } as unknown as BatchesOptions
  return { batches, told, services, back: () => (isAway = false) }
}

describe('what a queue that is away could not be told', () => {
  it('is told later, as it is then', async () => {
    const { batches, told, services, back } = start()
    const words = createLateWords(services)
    for (const [id, status] of [
      ['a', 'validating'],
      ['b', 'cancelling'],
      ['c', 'validating'],
      ['d', 'validating'],
    ] as const) {
      const batch = makeBatch({ id, status })
      batches.set(id, batch)
      await words.tell(batch)
    }
    await assert.rejects(words.tellAgain(), /away/)
    batches.set('c', makeBatch({ id: 'c', status: 'failed' }))
    batches.set('d', makeBatch({ id: 'd', status: 'in_progress' }))
    back()
    await words.tellAgain()
    assert.deepEqual(told, ['a validating', 'b cancelling', 'stop b', 'd in_progress 2'])
    await words.tellAgain()
    assert.equal(told.length, 4)
  })

  it('is no failure of the request: a batch that was written down is there, and cancelled', async () => {
    const { batches, services } = start()
    const files = { find: async () => ({ bytes: 10, purpose: 'batch' }) }
    const made = {
      ...services,
      files,
      ocr: { admission: { queued: 0 } },
      capacity: () => 1,
    } as unknown as BatchesOptions
    const all = createBatches({ ...made, lifecycle: { draining: true } })
    const wishes = {
      endpoint: '/v1/ocr',
      inputFileId: 'file-1',
      completionWindow: '24h',
      windowSeconds: 86_400,
      metadata: null,
      outputSeconds: null,
    } as const
    const batch = await all.create(wishes, 'team', 'req_1')
    assert.deepEqual([...batches.keys()], [batch.id])
    assert.equal((await all.cancel('team', batch.id)).status, 'cancelling')
    await all.close()
  })
})

describe('the times of a batch', () => {
  it('are in their order, whatever the clocks of replicas say', () => {
    const ahead = Math.floor(Date.now() / 1000) + 600
    const { times } = makeBatch({
      times: { ...makeBatch().times, created: ahead, inProgress: ahead + 5, expires: ahead + 9999 },
    })
    assert.equal(timesWith(times, 'finalizing').finalizing, ahead + 5)
    const now = timesWith(makeBatch().times, 'completed').completed ?? 0
    assert.ok(Math.abs(now - Date.now() / 1000) < 30)
  })
})
