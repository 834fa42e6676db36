import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchReadings } from '../../../gateway/upstream/readings.ts'

describe('what pages have shown of an upstream', () => {
  function start() {
    const logged: string[] = []
    return { logged, readings: watchReadings((level, message) => logged.push(`${level} ${message.slice(0, 30)}`)) }
  }

  it('names it after six answers in a row that are about something else, once, until one is not', () => {
    const { logged, readings } = start()
    for (const agrees of [false, false, false, false, false, true, false, false, false, false, false])
      readings.compared(agrees)
    assert.deepEqual([readings.warnings(), logged], [[], []])
    readings.compared(false)
    readings.compared(false)
    assert.equal(readings.warnings().length, 1)
    assert.deepEqual(logged, ['warn upstream does not read its pag'])
    readings.compared(true)
    assert.deepEqual(readings.warnings(), [])
    assert.deepEqual(logged.slice(1), ['info upstream reads its pages again'])
  })

  it('is forgotten when another server is there', () => {
    const { readings } = start()
    for (let answer = 0; answer < 6; answer++) readings.compared(false)
    readings.reset()
    assert.deepEqual(readings.warnings(), [])
  })
})
