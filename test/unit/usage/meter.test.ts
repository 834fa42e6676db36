import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { addTo, NOTHING, OTHERS, type Counts } from '../../../gateway/usage/counts.ts'
import { createUsageMeter, type UsageMeterOptions } from '../../../gateway/usage/meter.ts'
import { createPending } from '../../../gateway/usage/pending.ts'
import { LEASE, type Hold, type UsageBatch, type UsageStore } from '../../../gateway/usage/store.ts'

const WHO = { key: 'scans', model: 'some-ocr' }
const NOON = Date.parse('2026-11-30T12:00:00Z')

/** A store that can be away, and that remembers what it was told. */
function makeStore() {
  const batches: UsageBatch[] = []
  const holds = new Map<string, Hold>()
  const seen = new Set<number>()
  let charged = 0
  const state = { isAway: false, losesReplies: false }
  const store: UsageStore = {
    async add(batch) {
      if (state.isAway) throw new Error('away')
      // As the real ones do.
      if (!seen.has(batch.number)) {
        seen.add(batch.number)
        batches.push(batch)
        for (const { counts } of batch.rows) charged += counts.pagesCharged
        for (const hold of batch.holds) {
          if (hold.pages === 0) holds.delete(hold.id)
          else holds.set(hold.id, hold)
        }
      }
      if (state.losesReplies) throw new Error('the reply is lost')
    },
    async hold(hold, limit) {
      if (state.isAway) throw new Error('away')
      const held = [...holds.values()].reduce((sum, { pages }) => sum + pages, 0)
      const isHeld = charged + held + hold.pages <= limit
      if (isHeld) holds.set(hold.id, hold)
      return { isHeld, charged, held }
    },
    async *days() {
      for (const { rows } of batches) yield rows
    },
  }
  return { store, state, batches, holds, charged: () => charged }
}

function start(options: Partial<UsageMeterOptions> = {}) {
  const made = makeStore()
  const troubles: (number | null)[] = []
  const clock = { time: NOON }
  const meter = createUsageMeter({
    store: made.store,
    budgetOf: async () => null,
    onTrouble: (_, lost) => troubles.push(lost),
    now: () => clock.time,
    // The test says when.
    everyMs: 1_000_000,
    closeMs: 1000,
    ...options,
  })
  const sum = async (): Promise<Counts> => {
    const rows = (await Array.fromAsync(meter.days('', ''))).flat()
    const all = { ...NOTHING }
    for (const { counts } of rows) addTo(all, counts)
    return all
  }
  return { ...made, meter, troubles, clock, sum }
}

const refusal = (promise: Promise<unknown>): Promise<GatewayError> =>
  promise.then(
    () => assert.fail('it was let in'),
    (error: unknown) => (error instanceof GatewayError ? error : assert.fail(String(error))),
  )

describe('the meter of usage', () => {
  it('keeps one row for each day, key and model, whatever is counted', async () => {
    const { meter, batches, clock, sum } = start()
    for (let page = 0; page < 1000; page += 1) meter.add(WHO, { pages: 1, promptTokens: 3 })
    meter.add({ ...WHO, key: '' }, { pages: 1 })
    clock.time += 12 * 3_600_000
    meter.add(WHO, { pages: 1 })
    assert.deepEqual(await sum(), { ...NOTHING, pages: 1002, promptTokens: 3000 })
    const rows = batches.flatMap((batch) => batch.rows.map(({ day, key, counts }) => [day, key, counts.pages]))
    assert.deepEqual(rows, [['2026-11-30', 'scans', 1000], ['2026-11-30', '', 1], ['2026-12-01', 'scans', 1]]) // prettier-ignore
    await meter.close()
  })

  it('loses nothing while the store is away, and counts nothing twice when a reply is lost', async () => {
    const { meter, state, troubles, sum } = start()
    state.isAway = true
    for (let second = 0; second < 60; second += 1) {
      meter.add(WHO, { pages: 1 })
      await assert.rejects(Array.fromAsync(meter.days('', '')))
    }
    Object.assign(state, { isAway: false, losesReplies: true })
    await assert.rejects(Array.fromAsync(meter.days('', '')))
    meter.add(WHO, { pages: 1 })
    await assert.rejects(Array.fromAsync(meter.days('', '')))
    state.losesReplies = false
    assert.equal((await sum()).pages, 61)
    assert.deepEqual(troubles, [])
    await meter.close()
  })

  it('keeps what is left at the end, or says that it is lost', async () => {
    const kept = start()
    kept.meter.add(WHO, { pages: 1 })
    await kept.meter.close()
    assert.equal(kept.batches.length, 1)
    const lost = start()
    lost.meter.add(WHO, { pages: 1 })
    lost.state.isAway = true
    await lost.meter.close()
    assert.deepEqual(lost.troubles, [1])
  })

  it('tells no more callers apart than it has room for, while nothing can be kept', () => {
    const pending = createPending(2)
    for (const key of ['a', 'b', 'c', 'd', 'a'])
      pending.add({ day: '2026-11-30', key, model: 'm', counts: { pages: 1 } })
    assert.deepEqual(pending.take().map(({ key, counts: { pages } }) => [key, pages]), [['a', 2], ['b', 1], [OTHERS, 2]]) // prettier-ignore
    assert.equal(pending.rows, 0)
  })
})

describe('a budget of pages', () => {
  const budgetOf = async () => 10

  it('lets requests in while they fit into what is left of it', async () => {
    const { meter, holds } = start({ budgetOf })
    const one = await meter.open(WHO, 6)
    // Four are left, and three of them may come to be.
    const soon = await refusal(meter.open(WHO, 5))
    assert.deepEqual([soon.code, soon.retry, soon.retryAfterSeconds], ['rate_limit_exceeded', true, 5])
    assert.match(soon.message, /^scans may have 10 pages .* 0 were read\. 10 are left, 6 of them are held .* 5 /)
    for (let page = 0; page < 3; page += 1) one.add({ pages: 1, pagesCharged: 1 })
    one.add({ pages: 1, pagesCached: 1 })
    await one[Symbol.asyncDispose]()
    assert.equal(holds.size, 0)
    const never = await refusal(meter.open(WHO, 8))
    assert.deepEqual([never.code, never.retry, never.retryAfterSeconds], ['rate_limit_exceeded', false, undefined])
    assert.match(never.message, / 3 were read\. 7 are left, and this request has 8 .*ocr\.pages.* 2026-12-01T00:00:00Z/)
    await using two = await meter.open(WHO, 7)
    for (let page = 0; page < 7; page += 1) two.add({ pagesCharged: 1 })
    assert.doesNotMatch((await refusal(meter.open(WHO, 8))).message, /held/)
    // What needs no engine is free.
    await using free = await meter.open(WHO, 0)
    free.add({ pages: 1, pagesCached: 1 })
    await meter.close()
  })

  it('is charged for what is read in spite of a store that was away', async () => {
    const { meter, state, charged, troubles } = start({ budgetOf })
    state.isAway = true
    const account = await meter.open(WHO, 4)
    account.add({ pagesCharged: 1 })
    await account[Symbol.asyncDispose]()
    assert.deepEqual(troubles, [null])
    state.isAway = false
    await Array.fromAsync(meter.days('', ''))
    assert.equal(charged(), 1)
    await meter.close()
  })

  it('is held for as long as a request is answered, and no page of it longer', async () => {
    const { meter, clock, batches, holds } = start({ budgetOf })
    const account = await meter.open(WHO, 4)
    account.add({ pagesCharged: 1 })
    await Array.fromAsync(meter.days('', ''))
    assert.deepEqual([...holds.values()].map(({ pages, month }) => [pages, month]), [[3, '2026-11']]) // prettier-ignore
    const before = batches.length
    clock.time += LEASE / 2
    await Array.fromAsync(meter.days('', ''))
    assert.deepEqual(batches.slice(before).map((batch) => batch.holds.map(({ pages }) => pages)), [[3]]) // prettier-ignore
    // More are read than it has asked for: the cache has lost some.
    for (let page = 0; page < 5; page += 1) account.add({ pagesCharged: 1 })
    await Array.fromAsync(meter.days('', ''))
    assert.equal(holds.size, 0)
    await account[Symbol.asyncDispose]()
    await meter.close()
  })
})
