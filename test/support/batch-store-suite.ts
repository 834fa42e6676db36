import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import type { BatchStore, LineEnd } from '../../gateway/batch/store.ts'
import { makeBatch } from './make-batch.ts'

const done = (tokens = 1): LineEnd => ({
  outcome: 'completed',
  usage: { inputTokens: tokens, cachedTokens: 0, outputTokens: 2 * tokens },
})
const failed: LineEnd = { outcome: 'failed', usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 } }

/** What any store of batches promises; `open` gives a new one over the same state each time it is called in one test. */
export function testBatchStore(open: (t: TestContext) => Promise<() => BatchStore>): void {
  it('gives a batch back as it was added, to its owner alone', async (t) => {
    const store = (await open(t))()
    const batch = makeBatch({
      owner: 'größe ≤ 5',
      metadata: { 'a"b': '測試 😀\n', empty: '' },
      outputSeconds: 3600,
      problems: [{ code: 'invalid_json', message: 'Line 3 is no JSON.', param: null, line: 3 }],
    })
    await store.add(batch)
    assert.deepEqual(await store.find(batch.owner, batch.id), batch)
    assert.deepEqual(await store.find(null, batch.id), batch)
    assert.equal(await store.find('another', batch.id), null)
    assert.equal(await store.find(batch.owner, 'batch_none'), null)
  })

  it('keeps a batch of a gateway without keys', async (t) => {
    const store = (await open(t))()
    const batch = makeBatch({ owner: '' })
    await store.add(batch)
    assert.deepEqual(await store.find('', batch.id), batch)
    assert.deepEqual((await store.list('', null, 10)).batches, [batch])
  })

  it('lists the newest first, page by page, behind an id that is no more, each owner apart', async (t) => {
    const store = (await open(t))()
    const batches = Array.from({ length: 7 }, () => makeBatch())
    for (const batch of batches) await store.add(batch)
    await store.add(makeBatch({ owner: 'other' }))
    const ids = batches.map(({ id }) => id).toReversed()
    const first = await store.list('team', null, 3)
    assert.deepEqual([first.batches.map(({ id }) => id), first.hasMore], [ids.slice(0, 3), true])
    await store.change(ids[2]!, ['validating'], { status: 'failed' })
    await store.forget([ids[2]!])
    const second = await store.list('team', ids[2]!, 10)
    assert.deepEqual([second.batches.map(({ id }) => id), second.hasMore], [ids.slice(3), false])
    assert.equal((await store.list('nobody', null, 3)).batches.length, 0)
  })

  it('changes what is named, where the status is one of those, and nothing else', async (t) => {
    const store = (await open(t))()
    const batch = makeBatch()
    await store.add(batch)
    assert.equal(await store.change(batch.id, ['in_progress', 'finalizing'], { status: 'completed' }), null)
    const times = { ...batch.times, inProgress: 7 }
    const changed = await store.change(batch.id, ['validating'], { status: 'in_progress', lines: 5, model: 'm', times })
    const total = { total: 5, completed: 0, failed: 0 }
    assert.deepEqual(changed, { ...batch, status: 'in_progress', lines: 5, model: 'm', times, counts: total })
    assert.deepEqual(await store.find(null, batch.id), changed)
    assert.equal(await store.change('batch_none', ['validating'], { status: 'failed' }), null)
    assert.equal((await store.change(batch.id, ['in_progress'], {}))?.status, 'in_progress')
  })

  it('lets one of many change a status', async (t) => {
    const stores = await open(t)
    const batch = makeBatch()
    await stores().add(batch)
    const tries = Array.from({ length: 8 }, () => stores().change(batch.id, ['validating'], { status: 'in_progress' }))
    assert.equal((await Promise.all(tries)).filter((changed) => changed !== null).length, 1)
  })

  it('counts each line once, whoever ends it, and however often', async (t) => {
    const stores = await open(t)
    const batch = makeBatch({ status: 'in_progress', lines: 1000 })
    const [one, other] = [stores(), stores()]
    await one.add(batch)
    const lines = Array.from({ length: 1000 }, (_, line) => line)
    const all = new Map(lines.map((line) => [line, line % 10 === 3 ? failed : done()]))
    const some = new Map(lines.slice(200, 400).map((line) => [line, failed]))
    await one.endLines(batch.id, new Map(lines.slice(0, 300).map((line) => [line, all.get(line)!])))
    await Promise.all([one.endLines(batch.id, all), other.endLines(batch.id, all), other.endLines(batch.id, all)])
    await other.endLines(batch.id, some)
    const found = await one.find(null, batch.id)
    assert.deepEqual(found?.counts, { total: 1000, completed: 900, failed: 100 })
    assert.deepEqual(found?.usage, { inputTokens: 900, cachedTokens: 0, outputTokens: 1800 })
  })

  it('counts what is settled in place of what was counted, and no line after that', async (t) => {
    const store = (await open(t))()
    const batch = makeBatch({ status: 'finalizing', lines: 20 })
    await store.add(batch)
    await store.endLines(batch.id, new Map([3, 4].map((line) => [line, done()])))
    const counts = { total: 20, completed: 9, failed: 11 }
    const usage = { inputTokens: 5, cachedTokens: 4, outputTokens: 3 }
    await store.settle(batch.id, counts, usage)
    await store.endLines(batch.id, new Map([0, 3, 19].map((line) => [line, done()])))
    const settled = await store.find(null, batch.id)
    assert.deepEqual([settled?.counts, settled?.usage], [counts, usage])
    await store.change(batch.id, ['finalizing'], { status: 'completed' })
    await store.settle(batch.id, { total: 20, completed: 0, failed: 20 }, usage)
    assert.deepEqual((await store.find(null, batch.id))?.counts, counts)
    await store.settle('batch_none', counts, usage)
    assert.equal(await store.find(null, 'batch_none'), null)
  })

  it('tells which lines have ended, the lowest bit first', async (t) => {
    const store = (await open(t))()
    const batch = makeBatch({ status: 'in_progress', lines: 30 })
    await store.add(batch)
    assert.ok((await store.endedLines(batch.id)).every((byte) => byte === 0))
    await store.endLines(batch.id, new Map([0, 9, 15, 29].map((line) => [line, done()])))
    const ended = await store.endedLines(batch.id)
    const set = Array.from({ length: 30 }, (_, line) => line).filter(
      (line) => ((ended[line >> 3] ?? 0) >> (line % 8)) & 1,
    )
    assert.deepEqual(set, [0, 9, 15, 29])
  })

  it('does nothing for a batch that is not there', async (t) => {
    const store = (await open(t))()
    await store.endLines('batch_none', new Map([[0, done()]]))
    await store.forget(['batch_none'])
    assert.equal(await store.find(null, 'batch_none'), null)
    assert.ok((await store.endedLines('batch_none')).every((byte) => byte === 0))
  })

  it('counts the unended ones of an owner', async (t) => {
    const store = (await open(t))()
    const batches = Array.from({ length: 4 }, () => makeBatch())
    for (const batch of batches) await store.add(batch)
    assert.equal(await store.unended('team'), 4)
    await store.change(batches[0]!.id, ['validating'], { status: 'failed' })
    await store.change(batches[1]!.id, ['validating'], { status: 'in_progress' })
    await store.change(batches[2]!.id, ['validating'], { status: 'cancelling' })
    assert.equal(await store.unended('team'), 3)
    await store.change(batches[2]!.id, ['cancelling'], { status: 'cancelled' })
    assert.equal(await store.unended('team'), 2)
    assert.equal(await store.unended('nobody'), 0)
  })

  it('tells operators of the unended ones of all owners, and how many there are', async (t) => {
    const store = (await open(t))()
    assert.deepEqual(await store.overview(), { unended: [], unendedCount: 0, endedCount: 0 })
    const batches = ['team', 'other', 'team'].map((owner) => makeBatch({ owner, status: 'in_progress', lines: 5 }))
    for (const batch of batches) await store.add(batch)
    const [first, , ended] = batches
    await store.endLines(first!.id, new Map([[2, failed]]))
    await store.change(ended!.id, ['in_progress'], { status: 'completed' })
    const { unended, unendedCount, endedCount } = await store.overview()
    assert.deepEqual([unendedCount, endedCount], [2, 1])
    const counted = new Map(unended.map(({ id, owner, counts }) => [id, [owner, counts.failed]]))
    assert.deepEqual(
      counted,
      new Map(batches.slice(0, 2).map(({ id, owner }) => [id, [owner, id === first?.id ? 1 : 0]])),
    )
  })

  it('finds those whose time is over, and those that ended long ago, and forgets these alone', async (t) => {
    const store = (await open(t))()
    const now = Math.floor(Date.now() / 1000)
    const late = makeBatch({ times: { ...makeBatch().times, expires: now - 1 } })
    const running = makeBatch()
    const ended = makeBatch()
    for (const batch of [late, running, ended]) await store.add(batch)
    await store.change(ended.id, ['validating'], { status: 'failed', times: { ...ended.times, failed: now } })
    const due = await store.due(now, now - 60)
    assert.deepEqual([due.late.map(({ id }) => id), due.old.map(({ id }) => id)], [[late.id], []])
    const then = await store.due(now, now + 60)
    assert.deepEqual(
      then.old.map(({ id }) => id),
      [ended.id],
    )
    await store.forget([late.id, running.id, ended.id])
    const left = await Promise.all([late, running, ended].map(({ id }) => store.find(null, id)))
    assert.deepEqual(
      left.map((batch) => batch?.id),
      [late.id, running.id, undefined],
    )
    await store.change(late.id, ['validating'], { status: 'expired' })
    assert.deepEqual((await store.due(now, now - 60)).late, [])
  })
}
