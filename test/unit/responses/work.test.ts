import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unreadResponse } from '../../../gateway/answer/response.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { makeQuestion, openKept } from './make-kept.ts'

const later = () => Date.now() + 60_000
const MANY = 100
const { signal } = new AbortController()
const result = { ...unread('vllm'), cache: 'miss', status: 'ok', error: null } as const
const failed = { ...result, status: 'failed', error: new GatewayError('engine_unavailable', 'Gone.') } as const

/** Claims as long as there is something, and returns the ids. */
function claimAll(work: ReturnType<typeof openKept>['work'], process = 'p', mostOfKey = MANY): string[] {
  const ids: string[] = []
  for (
    let next = work.claim(process, later(), mostOfKey);
    next !== null;
    next = work.claim(process, later(), mostOfKey)
  ) {
    ids.push(next.id)
  }
  return ids
}

describe('background responses that wait', () => {
  it('are claimed once, keys in turn, the oldest of each first, and what can wait last', async () => {
    using kept = openKept()
    kept.add('flex', 'c', 'batch')
    for (const id of ['a1', 'a2', 'a3']) kept.add(id, 'a')
    for (const id of ['b1', 'b2']) kept.add(id, 'b')
    assert.deepEqual(claimAll(kept.work), ['a1', 'b1', 'a2', 'b2', 'a3', 'flex'])
    assert.deepEqual(claimAll(kept.work, 'other'), [])
  })

  it('are not all claimed for one key', async () => {
    using kept = openKept()
    for (const id of ['a1', 'a2', 'a3']) kept.add(id, 'a')
    assert.deepEqual(claimAll(kept.work, 'p', 2), ['a1', 'a2'])
    assert.deepEqual(claimAll(kept.work, 'q', 2), ['a3'])
  })

  it('are claimed in no time, however many wait', async () => {
    using kept = openKept()
    kept.sql.run('BEGIN')
    for (let index = 0; index < 4000; index += 1) kept.add(`id${index}`, `key${index % 4}`)
    kept.sql.run('COMMIT')
    kept.work.claim('p', later(), MANY)
    const startedAt = performance.now()
    assert.ok(kept.work.claim('p', later(), MANY) !== null)
    assert.ok(performance.now() - startedAt < 200)
  })

  it('are claimed anew when the lease of a process has ended, and are none of its own any more', async () => {
    using kept = openKept()
    kept.add('a')
    const first = kept.work.claim('dead', Date.now() - 1, MANY)
    const second = kept.work.claim('alive', later(), MANY)
    assert.deepEqual([first?.losses, second?.losses, second?.id], [1, 2, 'a'])
    assert.equal(await kept.work.renew('a', 'dead', later()), false)
    await kept.work.fail('a', 'dead', { code: 'internal_error', message: '', param: null })
    await kept.work.putBack('a', 'dead', 0, null)
    assert.equal(kept.store.find('a', '')?.status, 'in_progress')
    assert.equal(await kept.work.renew('a', 'alive', later()), true)
  })

  it('count as lost no more when a page was read', async () => {
    using kept = openKept()
    kept.add('a')
    for (const process of ['one', 'two', 'three']) kept.work.claim(process, Date.now() - 1, MANY)
    await kept.work.finishedPages('a', 'three', signal).add(1, result)
    assert.equal(kept.work.claim('four', later(), MANY)?.losses, 2)
  })

  it('wait until their time when they are put back, and it is no loss', async () => {
    using kept = openKept()
    kept.add('a')
    kept.work.claim('p', later(), MANY)
    await kept.work.putBack('a', 'p', later(), 7)
    assert.deepEqual(claimAll(kept.work), [])
    kept.work.claim('p', later(), MANY)
    kept.sql.run('UPDATE responses SET not_before = 0')
    const again = kept.work.claim('p', later(), MANY)
    assert.deepEqual([again?.losses, again?.failingSince, again?.status], [1, 7, 'in_progress'])
  })

  it('keep their pages while they are read, without those that failed where they are tried again', async () => {
    using kept = openKept()
    kept.add('a')
    kept.work.claim('p', later(), MANY)
    const pages = kept.work.finishedPages('a', 'p', signal)
    await pages.add(1, failed)
    await pages.add(2, result)
    assert.deepEqual([pages.has(1), pages.has(2), pages.has(3), pages.find(3)], [true, true, false, null])
    assert.deepEqual(pages.find(2), result)
    await kept.work.forgetFailures('a')
    assert.deepEqual([pages.has(1), pages.has(2)], [false, true])
    await kept.work.addPiece('a', 'p', 0, { text: '<!-- page 1 failed -->', page: 1 }, signal)
    await pages.add(1, failed)
    await kept.work.forgetFailures('a')
    // A client may have its mark already.
    assert.equal(pages.has(1), true)
    await kept.work.fail('a', 'p', { code: 'engine_error', message: 'No.', param: null })
    assert.equal(pages.has(2), false)
    assert.deepEqual(kept.store.find('a', '')?.error, { code: 'engine_error', message: 'No.', param: null })
  })

  it('keep the first of two pieces with one number: what was sent stays', async () => {
    using kept = openKept()
    kept.add('a')
    kept.work.claim('p', later(), MANY)
    assert.equal(await kept.work.addPiece('a', 'p', 0, { text: 'one', page: 1 }, signal), true)
    assert.equal(await kept.work.addPiece('a', 'p', 0, { text: 'other', page: 1 }, signal), false)
    await kept.work.addPiece('a', 'p', 1, { text: 'two', page: null }, signal)
    assert.deepEqual(kept.store.pieces('a', 0, 9), [
      { text: 'one', page: 1 },
      { text: 'two', page: null },
    ])
    assert.deepEqual([kept.store.pieces('a', 1, 9).length, kept.store.pieces('a', 0, 1).length], [1, 1])
  })

  it('do not end twice: what was cancelled is not completed', async () => {
    using kept = openKept()
    kept.add('a')
    kept.work.claim('p', later(), MANY)
    const pages = kept.work.finishedPages('a', 'p', signal)
    await pages.add(1, result)
    assert.equal(await kept.store.cancel('a', 'other'), false)
    assert.equal(await kept.store.cancel('a', ''), true)
    assert.equal(await kept.store.cancel('a', ''), false)
    // What comes too late from the process that read it changes no number of an event, and leaves no page behind.
    assert.equal(await kept.work.addPiece('a', 'p', 0, { text: 'late', page: 1 }, signal), false)
    await kept.work.finishedPages('a', 'p', signal).add(2, result)
    assert.deepEqual([kept.store.countPieces('a'), pages.has(1), pages.has(2)], [0, false, false])
    const { createdAt, model, answer } = makeQuestion()
    await kept.work.complete('a', 'p', unreadResponse({ id: 'a', createdAt, model, answer }, 'in_progress'), signal)
    assert.deepEqual([kept.store.find('a', '')?.status, kept.store.find('a', '')?.done], ['cancelled', null])
    assert.deepEqual(claimAll(kept.work), [])
  })
})
