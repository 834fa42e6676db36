import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Drawer } from '../../../gateway/rasterizer/drawer.ts'
import { createJob, Lanes, type Job, type Lane } from '../../../gateway/rasterizer/lanes.ts'
import type { Rank } from '../../../gateway/rasterizer/standings.ts'

const ranks: Readonly<Record<string, Rank>> = { slow: 0, new: 1, quick: 2 }
const rankOf = (key: string): Rank => ranks[key] ?? 1
const always = { hasDrawer: () => true, rankOf }

describe('lanes', () => {
  it('give one more place to a key of a higher rank than all that run, and no second one', () => {
    const lanes = filled(1, ['slow', 'slow', 'new', 'quick'])
    const begun = [begin(lanes), begin(lanes), begin(lanes)]
    assert.deepEqual(begun, ['slow', 'new', undefined])
    assert.deepEqual([lanes.running('quick'), lanes.waiting.size], [2, 2])
  })

  it('give no further place beside a key of the same rank', () => {
    const lanes = filled(1, ['quick', 'quick', 'new'])
    assert.deepEqual([begin(lanes), begin(lanes)], ['quick', undefined])
  })

  it('pass tasks by for which no drawer is ready, and say how many are missing', () => {
    const lanes = filled(2, ['slow', 'slow', 'quick'])
    const readiness = { rankOf, hasDrawer: (_: Lane, key: string) => key === 'quick' }
    assert.deepEqual([begin(lanes, readiness), begin(lanes, readiness)], ['quick', undefined])
    assert.deepEqual(lanes.wanting, { quick: 1, others: 0, light: 0 })
  })

  it('begin slow tasks beside no more quick ones than leave them a place', () => {
    const lanes = filled(2, ['quick', 'quick'])
    lanes.enqueue(job('slow', 'slow'))
    const readiness = { rankOf, hasDrawer: (lane: Lane) => lane === 'slow' }
    assert.equal(begin(lanes, readiness), 'slow')
    lanes.enqueue(job('slow', 'slow'))
    assert.equal(begin(lanes, readiness), undefined)
  })

  it('give up the task for which a drawer could not start', () => {
    const lanes = filled(1, ['quick', 'quick'])
    for (const key of ['slow', 'large'] as const) lanes.enqueue(job(key, key))
    const taken = [true, true, true, false].map((isAside) => lanes.takeAny(isAside)?.turn.key)
    assert.deepEqual(taken, ['large', 'slow', 'quick', 'quick'])
    assert.deepEqual([lanes.takeAny(false), lanes.waiting.size], [null, 0])
  })

  it('find a large task that is slow, where another request has a quick one', () => {
    const lanes = filled(2, [])
    const drawer = aDrawer()
    lanes.begin(drawer, Object.assign(job('large', 'large'), { isSlow: true }))
    assert.equal(lanes.largeInTheWay(), null)
    lanes.enqueue(job('quick', 'quick'))
    assert.equal(lanes.largeInTheWay(), drawer)
  })
})

function filled(threads: number, keys: readonly string[]): Lanes {
  const lanes = new Lanes(threads)
  for (const key of keys) lanes.enqueue(job(key, 'quick'))
  return lanes
}

/** Begins the next task, and returns its key. */
function begin(lanes: Lanes, readiness: Parameters<Lanes['next']>[0] = always): string | undefined {
  const next = lanes.next(readiness)
  if (next !== null) lanes.begin(aDrawer(), next)
  return next?.turn.key
}

function aDrawer(): Drawer {
  return { isBusy: true, isAside: false } as Drawer
}

let requests = 0

function job(key: string, lane: Lane): Job {
  return createJob({
    task: { type: 'open' } as Job['task'],
    turn: { lane: 'interactive', key, request: `request ${requests++}` },
    onAside() {},
    resolve() {},
    reject() {},
    lane,
  })
}
