import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFairQueue } from '../../../gateway/document/fair-queue.ts'

describe('the queue for threads', () => {
  it('lets owners take turns, and each keeps its order', () => {
    const queue = filled({ long: 4, short: 1, middle: 2 })
    assert.deepEqual(drained(queue), ['long 1', 'short 1', 'middle 1', 'long 2', 'middle 2', 'long 3', 'long 4'])
  })

  it('gives who comes later the turn after those who wait', () => {
    const queue = filled({ long: 3 })
    assert.equal(queue.shift(), 'long 1')
    queue.push('late', 'late 1')
    assert.deepEqual(drained(queue), ['long 2', 'late 1', 'long 3'])
  })

  it('forgets an item, an owner or everything, and counts what is left', () => {
    const queue = filled({ a: 2, b: 2, c: 1 })
    queue.remove('a', 'a 1')
    queue.remove('a', 'never there')
    assert.deepEqual([queue.removeAll('b'), queue.size], [['b 1', 'b 2'], 2])
    assert.deepEqual([queue.clear(), queue.size, queue.shift()], [['a 2', 'c 1'], 0, undefined])
  })
})

function filled(counts: Readonly<Record<string, number>>) {
  const queue = createFairQueue<string>()
  for (const [owner, count] of Object.entries(counts))
    for (let number = 1; number <= count; number++) queue.push(owner, `${owner} ${number}`)
  return queue
}

function drained(queue: ReturnType<typeof filled>): string[] {
  return Array.from({ length: queue.size }, () => queue.shift() ?? 'nothing')
}
