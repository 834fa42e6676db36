import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createShares } from '../../../gateway/schedule/shares.ts'
import { createTurnQueue } from '../../../gateway/schedule/turn-queue.ts'
import type { Turn } from '../../../gateway/schedule/turn.ts'

describe('turns by shares of time', () => {
  it('go to the key that has had least, however many requests another has', () => {
    const { take, push } = setUp()
    for (const request of ['a1', 'a2', 'a3', 'a4']) push('a', request)
    push('b', 'b1', 3)
    // Each of the first takes ten seconds, each of the second one.
    assert.deepEqual(take(7), ['a1', 'b1', 'b1', 'b1', 'a2', 'a3', 'a4'])
  })

  it('go to the request that has had least, and to none that is new for ever', () => {
    const { take, push } = setUp()
    push('a', 'slow', 4)
    assert.deepEqual(take(1), ['slow'])
    // Short ones keep coming: they get as much time as the slow one, and not more.
    const order: string[] = []
    for (let number = 0; number < 40; number++) {
      push('a', `b${number}`)
      order.push(...take(1))
    }
    const turns = order.flatMap((request, index) => (request === 'slow' ? [index] : []))
    // After its ten seconds the others have some ten each, and then it is its turn again.
    assert.equal(turns[0], 0)
    assert.ok(turns[1]! >= 8 && turns[1]! <= 25, `after ${turns[1]}`)
  })

  it('count what is being done now', () => {
    const clock = { now: 0 }
    const shares = createShares(() => clock.now)
    const queue = createTurnQueue<string>(shares)
    queue.push(turn('a', 'a1'), 'a1')
    queue.push(turn('a', 'a2'), 'a2')
    queue.push(turn('b', 'b1'), 'b1')
    const end = shares.serve(turn('a', 'a1'))
    assert.equal(queue.shift(), 'a1')
    clock.now += 5000
    assert.equal(queue.shift(), 'b1')
    end()
    end()
    assert.equal(shares.had(['a']), 5)
    assert.equal(shares.had(['a', 'a1']), 5)
  })

  it('save nothing up: who comes late has had a fair share', () => {
    const { take, push } = setUp()
    push('a', 'a1', 6)
    take(3)
    push('late', 'l1', 6)
    // Not six of the late one at first, though it has had nothing yet.
    const order = take(8)
    assert.ok(order.slice(0, 4).includes('a1'), order.join(' '))
  })
})

const turn = (key: string, request: string): Turn => ({ lane: 'interactive', key, request })

/** Items of requests that begin with `a` or `s` take ten seconds, others one. */
function setUp() {
  const clock = { now: 0 }
  const shares = createShares(() => clock.now)
  const queue = createTurnQueue<{ readonly key: string; readonly request: string }>(shares)
  const push = (key: string, request: string, times = 1) => {
    for (let time = 0; time < times; time++) queue.push(turn(key, request), { key, request })
  }
  const take = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const item = queue.shift()
      assert.ok(item !== undefined)
      const end = shares.serve(turn(item.key, item.request))
      clock.now += /^[as]/.test(item.request) ? 10_000 : 1000
      end()
      return item.request
    })
  return { push, take }
}
