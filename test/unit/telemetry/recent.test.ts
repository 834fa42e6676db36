import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRecent } from '../../../gateway/telemetry/recent.ts'

const MINUTE = 60_000

function makeRecent() {
  const clock = { at: 0 }
  const recent = createRecent(
    () => clock.at,
    () => 1_000_000 + clock.at,
  )
  const fail = (code: string, requestId = 'r', more: { caller?: string; route?: string } = {}) =>
    recent.failure({ code, route: more.route ?? '/v1/ocr', model: 'ocr', requestId, caller: more.caller ?? null })
  return { clock, recent, fail }
}

describe('what happened lately', () => {
  it('is pages by minute and status, and what the cache knew of them in five minutes', () => {
    const { clock, recent } = makeRecent()
    recent.page({ status: 'ok', cache: 'hit' })
    clock.at = 3 * MINUTE
    recent.page({ status: 'ok', cache: 'miss' })
    recent.page({ status: 'ok', cache: 'joined' })
    recent.page({ status: 'failed', cache: 'off' })
    const { ok, failed, blank } = recent.pagesByMinute()
    assert.deepEqual([ok.length, ok.slice(-4)], [60, [1, 0, 0, 2]])
    assert.deepEqual([failed.at(-1), blank.at(-1)], [1, 0])
    assert.deepEqual(recent.cache(), { lookups: 3, hits: 2 })
    clock.at = 6 * MINUTE
    assert.deepEqual(recent.cache(), { lookups: 2, hits: 1 })
  })

  it('is failures, the latest first, alike ones as one: a flood of one does not push out the others', () => {
    const { clock, recent, fail } = makeRecent()
    fail('engine_error', 'first')
    for (let times = 0; times < 500; times++) {
      clock.at += 1
      fail('invalid_api_key', `r${times}`)
    }
    clock.at += 1
    fail('engine_error', 'again')
    assert.deepEqual(
      recent.failures().map(({ code, times, requestId, at }) => [code, times, requestId, at]),
      [
        ['engine_error', 2, 'again', 1_000_501],
        ['invalid_api_key', 500, 'r499', 1_000_500],
      ],
    )
    fail('engine_error', 'other', { caller: 'team' })
    assert.equal(recent.failures().length, 3)
    assert.deepEqual(recent.codes(), [
      { code: 'invalid_api_key', times: 500 },
      { code: 'engine_error', times: 3 },
    ])
  })

  it('keeps the last fifty sorts of failures, and counts codes for an hour', () => {
    const { clock, recent, fail } = makeRecent()
    for (let caller = 0; caller < 60; caller++) fail('queue_full', 'r', { caller: String(caller) })
    const callers = recent.failures().map(({ caller }) => caller)
    assert.deepEqual([callers.length, callers[0], callers.at(-1)], [50, '59', '10'])
    clock.at = 60 * MINUTE
    assert.deepEqual(recent.codes(), [])
    assert.equal(recent.failures().length, 50, 'when it was is said of each')
  })
})
