import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSharedTurn, type Turn } from '../../../gateway/schedule/turn.ts'

const batch = (request: string): Turn => ({ lane: 'batch', key: 'a', request })
const chat = (request: string): Turn => ({ lane: 'interactive', key: 'b', request })
const placeOf = ({ lane, key, request }: Turn) => `${lane} ${key} ${request}`

describe('the turn of work that several have asked for', () => {
  it('is that of the first who is interactive, else of the first', () => {
    const { turn, join } = createSharedTurn(batch('1'))
    const seen: string[] = []
    const note = () => seen.push(placeOf(turn))
    turn.onChange?.(note)
    join(batch('1'))
    join(batch('2'))
    const leave = join(chat('3'))
    join(chat('4'))
    leave()
    assert.deepEqual(seen, ['interactive b 3', 'interactive b 4'])
  })

  it('goes back to the batch when nobody else is left, and stays when nobody is left at all', () => {
    const { turn, join } = createSharedTurn(batch('1'))
    const leaveBatch = join(batch('1'))
    const leaveChat = join(chat('2'))
    leaveChat()
    assert.equal(placeOf(turn), 'batch a 1')
    leaveBatch()
    leaveBatch()
    assert.equal(placeOf(turn), 'batch a 1')
  })

  it('keeps an asker that has asked twice until it has left twice', () => {
    const { turn, join } = createSharedTurn(batch('1'))
    const twice = chat('2')
    join(batch('1'))
    const leaves = [join(twice), join(twice)]
    leaves[0]?.()
    assert.equal(placeOf(turn), 'interactive b 2')
    leaves[1]?.()
    assert.equal(placeOf(turn), 'batch a 1')
  })

  it('changes with the shared turn of an asker', () => {
    const outer = createSharedTurn(batch('1'))
    outer.join(batch('1'))
    const inner = createSharedTurn(outer.turn)
    const leave = inner.join(outer.turn)
    let changes = 0
    const stop = inner.turn.onChange?.(() => changes++)
    outer.join(chat('2'))
    assert.deepEqual([placeOf(inner.turn), changes], ['interactive b 2', 1])
    stop?.()
    leave()
    assert.equal(changes, 1)
  })
})
