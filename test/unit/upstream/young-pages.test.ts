import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createYoungPages } from '../../../gateway/upstream/young-pages.ts'

function setUp() {
  const clock = { now: 0 }
  const given: string[] = []
  const young = createYoungPages(() => clock.now)
  const send = (page: string) => young.sent(() => given.push(page))
  return { clock, given, young, send }
}

describe('young pages', () => {
  it('are given back from the last one on, in their order', () => {
    const { given, young, send } = setUp()
    for (const page of ['a', 'b', 'c', 'd']) send(page)
    young.giveBack(2)
    assert.deepEqual(given, ['c', 'd'])
    young.giveBack(1)
    assert.deepEqual(given, ['c', 'd', 'b'])
    young.giveBack(9)
    assert.deepEqual(given, ['c', 'd', 'b', 'a'])
  })

  it('are none where nobody has too many', () => {
    const { given, young, send } = setUp()
    send('a')
    for (const count of [0, -3]) young.giveBack(count)
    assert.deepEqual(given, [])
  })

  it('are those that have lost a second at most, and are still at the server', () => {
    const { clock, given, young, send } = setUp()
    send('old')
    clock.now = 500
    const leave = send('left')
    send('young')
    clock.now = 1400
    leave()
    young.giveBack(3)
    assert.deepEqual(given, ['young'])
  })
})
