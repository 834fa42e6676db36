import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchOwnFigures } from '../../../gateway/upstream/own-figures.ts'

const load = (running: number, waiting: number | null) => ({ running, waiting, kvCacheUsage: null, preemptions: null })

/** How a gateway with 20 pages at the server sees it; `waiting`: pages whose first text has not come, null: that says nothing. */
interface Seen {
  readonly isFull?: boolean
  readonly waiting?: number | null
  /** How long ago it said the last of them. */
  readonly secondsSince?: number
}

/** Has it hear these figures; returns what it was told of those that wait. */
function hear(
  figures: readonly (ReturnType<typeof load> | null)[],
  { isFull = true, waiting = null, secondsSince = 0 }: Seen = {},
) {
  let now = 0
  const looks: { most: number; waiting: number }[] = []
  const told = { nothings: 0, preparings: 0, doubts: 0 }
  const { note, ...own } = watchOwnFigures({
    isFull: () => isFull,
    active: () => 20,
    waiting: () => waiting,
    onWaiting: (look) => looks.push(look),
    onNothing: () => told.nothings++,
    onPreparing: (isNew) => (told.preparings += isNew ? 1 : 0),
    onDoubt: () => told.doubts++,
    now: () => now,
  })
  for (const each of figures) note(each)
  now = secondsSince * 1000
  const mostWaiting = own.doubt({ most: 20, waiting: 20 }).waiting
  return { looks, ...told, mostWaiting, isPreparing: own.isPreparing(), wants: own.wants() }
}

describe('what a server says of its own queue', () => {
  it('counts when pages wait each time: the fewest of them', () => {
    const { looks, wants } = hear([load(16, 4), load(15, 5), load(16, 4), load(17, 3)])
    assert.deepEqual(looks, [{ most: 20, waiting: 3 }])
    assert.equal(wants, 'answers')
  })

  it('does not count when none has waited in between, or it does not answer', () => {
    for (const none of [load(16, 0), load(16, null), null]) {
      const { looks, nothings } = hear([load(16, 4), load(16, 4), none, load(16, 4), load(16, 4)])
      assert.deepEqual([looks, nothings], [[], 1])
    }
  })

  it("does not count where others' requests are in it, or the limit is not reached", () => {
    const many = Array.from({ length: 8 }, () => load(16, 30))
    const few = Array.from({ length: 8 }, () => load(16, 4))
    const idle = hear(few, { isFull: false })
    assert.deepEqual([hear(many).looks, idle.looks, idle.wants], [[], [], 'nothing'])
  })
})

describe('what a server says of its own queue, while first texts are late', () => {
  const none = load(16, 0)

  it('is not known until it was asked four times, soon after each other', () => {
    const { mostWaiting, wants, preparings, isPreparing, doubts } = hear([none, none, none], { waiting: 4 })
    assert.deepEqual([mostWaiting, wants, preparings, isPreparing], [20, 'answers soon', 0, false])
    assert.equal(doubts, 1, 'by the look that was doubted')
  })

  it('says that pages are being prepared where none waits in it, but for a moment', () => {
    for (const figures of [
      [none, none, none, none],
      [none, load(16, 1), none, none, null, none],
    ]) {
      const { mostWaiting, wants, preparings, looks, isPreparing } = hear(figures, { waiting: 4 })
      assert.deepEqual([mostWaiting, wants, preparings, looks, isPreparing], [0, 'answers', 1, [], true])
    }
  })

  it('says how many wait in it', () => {
    const { mostWaiting, preparings } = hear([load(16, 4), none, load(16, 9), load(16, 3)], { waiting: 9 })
    assert.deepEqual([mostWaiting, preparings], [4, 0])
  })

  it('says nothing while all first texts have come', () => {
    const { mostWaiting, preparings } = hear([none, none, none, none, none], { waiting: 0 })
    assert.deepEqual([mostWaiting, preparings], [20, 0])
    assert.equal(hear([], { waiting: 0 }).wants, 'nothing')
  })

  it('is not asked for where the server does not say', () => {
    for (const silent of [
      [load(16, null)],
      [null, null, null, null],
      [none, none, none, none, null, null, null, null],
    ]) {
      const { mostWaiting, wants, isPreparing } = hear(silent, { waiting: 4 })
      assert.deepEqual([mostWaiting, wants, isPreparing], [20, 'nothing', false])
    }
    assert.equal(hear([null, null, null], { waiting: 4 }).wants, 'answers soon', 'a busy one may be late')
  })

  it('is forgotten after ten minutes', () => {
    for (const [seconds, isPreparing] of [
      [599, true],
      [600, false],
    ] as const)
      assert.equal(hear([none, none, none, none], { waiting: 4, secondsSince: seconds }).isPreparing, isPreparing)
  })
})
