import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLaneRoom } from '../../../gateway/schedule/lane-room.ts'

function setUp(beyond?: (places: number) => number) {
  const clock = { now: 0 }
  const room = createLaneRoom({ ...(beyond === undefined ? {} : { beyond }), now: () => clock.now })
  return { clock, room }
}

describe('the room of the lanes', () => {
  it('is all that batch work may have where no interactive work has come', () => {
    const { room } = setUp()
    for (let page = 0; page < 10; page++) room.enter('batch')
    assert.deepEqual([room.room('batch', 16), room.room('interactive', 16), room.kept(16)], [6, 6, 0])
  })

  it('has places kept for interactive work that has come lately, and no longer', () => {
    const { clock, room } = setUp()
    const leave = [1, 2, 3, 4].map(() => room.enter('interactive'))
    for (const each of leave) each()
    assert.deepEqual([room.room('batch', 16), room.room('batch', 64)], [14, 60])
    clock.now = 59_000
    assert.equal(room.room('batch', 16), 14)
    clock.now = 61_000
    assert.equal(room.room('batch', 16), 16)
  })

  it('has none kept where there are few', () => {
    const { room } = setUp()
    room.enter('interactive')()
    assert.deepEqual([room.room('batch', 7), room.room('batch', 8)], [7, 7])
  })

  it('does not keep what interactive work already takes', () => {
    const { room } = setUp()
    room.enter('interactive')
    room.enter('interactive')
    assert.deepEqual([room.room('batch', 16), room.kept(16)], [14, 0])
  })

  it('may be lent, beyond what there is, by batch work to interactive work', () => {
    const { room } = setUp((places) => places / 4)
    for (let page = 0; page < 16; page++) room.enter('batch')
    assert.deepEqual([room.room('batch', 16), room.room('interactive', 16)], [0, 4])
    for (let page = 0; page < 4; page++) room.enter('interactive')
    assert.equal(room.room('interactive', 16), 0)
  })
})
