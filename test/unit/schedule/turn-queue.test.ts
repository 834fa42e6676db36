import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSharedTurn, type Turn } from '../../../gateway/schedule/turn.ts'
import { createTurnQueue } from '../../../gateway/schedule/turn-queue.ts'

describe('turns', () => {
  it('go from request to request, and each keeps its order', () => {
    const queue = filled({ long: 4, short: 1, middle: 2 })
    assert.deepEqual(drained(queue), ['long 1', 'short 1', 'middle 1', 'long 2', 'middle 2', 'long 3', 'long 4'])
  })

  it('come to who is late after those who wait', () => {
    const queue = filled({ long: 3 })
    assert.equal(queue.shift(), 'long 1')
    queue.push(turn('late'), 'late 1')
    assert.deepEqual(drained(queue), ['long 2', 'late 1', 'long 3'])
  })

  it('go from key to key: one key with many requests gets no more than one with a single request', () => {
    const queue = createTurnQueue<string>()
    for (const request of ['a1', 'a2', 'a3']) {
      for (const number of [1, 2]) queue.push(turn(request, { key: 'a' }), `${request} ${number}`)
    }
    for (const number of [1, 2, 3]) queue.push(turn('b1', { key: 'b' }), `b1 ${number}`)
    assert.deepEqual(drained(queue).slice(0, 6), ['a1 1', 'b1 1', 'a2 1', 'b1 2', 'a3 1', 'b1 3'])
  })

  it('pass batch work by where it may not go', () => {
    const queue = createTurnQueue<string>()
    queue.push(turn('batch', { lane: 'batch' }), 'batch 1')
    for (let number = 0; number < 9; number++) queue.push(turn('chat'), `chat ${number}`)
    assert.deepEqual([queue.sizeOf('batch'), queue.sizeOf('interactive')], [1, 9])
    const order = Array.from({ length: 10 }, () => queue.shift(false))
    assert.ok(!order.includes('batch 1'))
    assert.deepEqual([order.at(-1), queue.shift()], [undefined, 'batch 1'])
  })

  it('pass keys by that may not go, in either lane', () => {
    const queue = createTurnQueue<string>()
    queue.push(turn('first', { key: 'a' }), 'a 1')
    queue.push(turn('second', { key: 'b', lane: 'batch' }), 'b 1')
    assert.equal(
      queue.shift(false, (key) => key === 'b'),
      undefined,
    )
    assert.equal(
      queue.shift(true, (key) => key === 'b'),
      'b 1',
    )
    assert.deepEqual([queue.shift(true, () => false), queue.size, queue.shift()], [undefined, 1, 'a 1'])
  })

  it('come to interactive work first, and to batch work one time in eight', () => {
    const queue = createTurnQueue<string>()
    for (let number = 0; number < 3; number++) queue.push(turn('batch', { lane: 'batch' }), `batch ${number}`)
    for (let number = 0; number < 16; number++) queue.push(turn('chat'), `chat ${number}`)
    const order = drained(queue)
    assert.deepEqual(
      order.flatMap((item, index) => (item.startsWith('batch') ? [index] : [])),
      [7, 15, 18],
    )
  })

  it('come to batch work alone when there is nothing else', () => {
    const queue = createTurnQueue<string>()
    queue.push(turn('batch', { lane: 'batch' }), 'batch')
    assert.deepEqual(drained(queue), ['batch'])
  })

  it('come sooner to an item of the batch lane when interactive work has joined it, and later when that has left', () => {
    const queue = createTurnQueue<string>()
    const shared = createSharedTurn(turn('batch', { lane: 'batch' }))
    shared.join(turn('batch', { lane: 'batch' }))
    const order = () => {
      for (const number of [1, 2, 3]) queue.push(turn('batch', { lane: 'batch' }), `batch ${number}`)
      queue.push(shared.turn, 'shared')
      queue.push(turn('chat'), 'chat')
      const leave = shared.join(turn('chat'))
      return { leave, drained: () => drained(queue) }
    }
    const joined = order()
    assert.equal(queue.size, 5)
    assert.deepEqual(joined.drained().slice(0, 2), ['chat', 'shared'])
    joined.leave()
    const left = order()
    left.leave()
    assert.deepEqual(left.drained(), ['chat', 'batch 1', 'batch 2', 'batch 3', 'shared'])
    // What has left the queue does not come back with a change of its turn.
    shared.join(turn('chat'))
    assert.deepEqual([queue.size, queue.remove('shared')], [0, false])
  })

  it('come to an item that was out before the others of its request', () => {
    const queue = filled({ a: 3, b: 2 })
    assert.equal(queue.shift(), 'a 1')
    assert.equal(queue.shift(), 'b 1')
    assert.equal(queue.shift(), 'a 2')
    queue.push(turn('a'), 'a 1', true)
    queue.push(turn('a'), 'a 2', true)
    assert.deepEqual([queue.size, queue.remove('a 1')], [4, true])
    queue.push(turn('a'), 'a 1', true)
    assert.deepEqual(drained(queue), ['b 2', 'a 2', 'a 1', 'a 3'])
    queue.push(turn('a'), 'a 3')
    queue.push(turn('a'), 'a 1', true)
    assert.deepEqual(queue.clear(), ['a 1', 'a 3'])
  })

  it('forget an item or everything, and count what is left', () => {
    const queue = filled({ a: 2, b: 2, c: 1 })
    assert.equal(queue.remove('a 1'), true)
    assert.equal(queue.remove('a 1'), false)
    assert.equal(queue.remove('never there'), false)
    assert.equal(queue.size, 4)
    assert.deepEqual([queue.clear(), queue.size, queue.shift()], [['a 2', 'b 1', 'b 2', 'c 1'], 0, undefined])
  })
})

function turn(request: string, changes: Partial<Turn> = {}): Turn {
  return { lane: 'interactive', key: '', request, ...changes }
}

function filled(counts: Readonly<Record<string, number>>) {
  const queue = createTurnQueue<string>()
  for (const [request, count] of Object.entries(counts))
    for (let number = 1; number <= count; number++) queue.push(turn(request), `${request} ${number}`)
  return queue
}

function drained(queue: ReturnType<typeof createTurnQueue<string>>): string[] {
  return Array.from({ length: queue.size }, () => queue.shift() ?? 'nothing')
}
