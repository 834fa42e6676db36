import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStandings } from '../../../gateway/rasterizer/standings.ts'

describe('standings of keys', () => {
  it('are the highest after two quick requests of one page, and the lowest after a slow task', () => {
    const { standings } = started()
    assert.equal(standings.rankOf('someone'), 1)
    for (let task = 0; task < 3; task++) standings.noteQuick('someone')
    assert.equal(standings.rankOf('someone'), 1)
    standings.noteQuick('someone')
    assert.equal(standings.rankOf('someone'), 2)
    standings.noteSlow('someone')
    assert.equal(standings.rankOf('someone'), 0)
  })

  it('rise again: after ten seconds nothing is held against a key, and at once when its tasks are quick', () => {
    const { standings, pass } = started()
    standings.noteSlow('rests')
    pass(9)
    standings.noteSlow('works')
    assert.equal(standings.rankOf('rests'), 0)
    pass(1)
    for (let task = 0; task < 4; task++) standings.noteQuick('works')
    assert.deepEqual([standings.rankOf('rests'), standings.rankOf('works')], [1, 2])
  })

  it('are mixed while keys of more than one have had tasks of late', () => {
    const { standings, pass } = started()
    assert.equal(standings.areMixed(), false)
    for (let task = 0; task < 4; task++) standings.noteQuick('quick')
    assert.deepEqual([standings.areMixed(), standings.highest()], [false, 2])
    pass(30)
    standings.noteSeen('new')
    assert.deepEqual([standings.areMixed(), standings.highest()], [true, 2])
    pass(30)
    assert.deepEqual([standings.areMixed(), standings.highest()], [false, 1])
  })

  it('are known of a thousand keys: the one that asked last the longest ago is forgotten', () => {
    const { standings } = started()
    for (const key of ['first', 'second']) standings.noteSlow(key)
    for (let number = 2; number < 1000; number++) standings.noteSeen(`key ${number}`)
    standings.noteSeen('first')
    standings.noteSeen('one more')
    assert.deepEqual([standings.rankOf('first'), standings.rankOf('second')], [0, 1])
  })
})

function started() {
  let at = 0
  return { standings: createStandings(() => at), pass: (seconds: number) => void (at += seconds * 1000) }
}
