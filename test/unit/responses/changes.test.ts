import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createChanges } from '../../../gateway/responses/changes.ts'

const never = new AbortController().signal

describe('who waits for a change of a response', () => {
  it('is told of what happens after the call, awaited yet or not, and of no other response', async () => {
    const changes = createChanges()
    const change = changes.next('a', never)
    changes.tell('a')
    await change
    const startedAt = performance.now()
    const other = changes.next('a', never)
    changes.tell('b')
    // It may have happened in another process.
    await other
    assert.ok(performance.now() - startedAt > 500)
  })

  it('leaves with its own reason', async () => {
    const changes = createChanges()
    const leave = new AbortController()
    const change = changes.next('a', leave.signal)
    leave.abort(new Error('gone'))
    await assert.rejects(change, /gone/)
    await assert.rejects(changes.next('a', leave.signal), /gone/)
  })
})
