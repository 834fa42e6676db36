import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createByteBudget, type Reservation } from '../../../gateway/schedule/byte-budget.ts'
import { GatewayError } from '../../../gateway/errors.ts'

const MB = 1024 * 1024
const forever = new AbortController().signal
const holder = (key: string | null = null, endIfLate = () => {}) => ({ key, endIfLate, signal: () => forever })

describe('the memory of all bodies', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(() => mock.timers.reset())

  const budgetOf = (megabytes: number, parts: { largest?: number; isShared?: boolean } = {}) =>
    createByteBudget({ bytes: megabytes * MB, largest: (parts.largest ?? 1) * MB, isShared: parts.isShared ?? false })

  /** Waits for it as long as nothing else happens; null: it still waits. */
  async function now(reserved: Promise<Reservation>): Promise<Reservation | null> {
    return Promise.race([reserved, nextTurn(null)])
  }

  it('is given until there is none left, and then to who has waited longest', async () => {
    const budget = budgetOf(80)
    const held = await Promise.all([1, 2, 3].map(() => budget.reserve(20 * MB, holder())))
    const first = budget.reserve(20 * MB, holder())
    const second = budget.reserve(2 * MB, holder())
    assert.equal(await now(first), null)
    // It would fit, and would keep the first waiting.
    assert.equal(await now(second), null)
    held[0]?.release()
    assert.notEqual(await now(first), null)
    assert.notEqual(await now(second), null)
    assert.equal(budget.held, 62 * MB)
  })

  it('is refused after twenty seconds of waiting, and may be asked for again', async () => {
    const budget = budgetOf(80)
    const held = await budget.reserve(70 * MB, holder())
    const refused = budget.reserve(20 * MB, holder())
    mock.timers.tick(19_999)
    assert.equal(await now(refused), null)
    mock.timers.tick(2)
    await assert.rejects(refused, (error: unknown) => {
      assert.ok(error instanceof GatewayError)
      const { code, retry, retryAfterSeconds } = error
      assert.deepEqual({ code, retry, retryAfterSeconds }, { code: 'queue_full', retry: true, retryAfterSeconds: 5 })
      return true
    })
    held.release()
    held.release()
    assert.equal(budget.held, 0)
    await budget.reserve(70 * MB, holder())
  })

  it('always has room for a small body, however large ones wait', async () => {
    const budget = budgetOf(80)
    await budget.reserve(70 * MB, holder())
    assert.equal(await now(budget.reserve(70 * MB, holder())), null)
    for (let count = 0; count < 10; count++) assert.notEqual(await now(budget.reserve(MB, holder())), null)
    assert.equal(await now(budget.reserve(MB, holder())), null)
  })

  it('always has room for one body of the largest size', async () => {
    const budget = budgetOf(1, { largest: 200, isShared: true })
    const held = await budget.reserve(200 * MB, holder('a'))
    assert.equal(await now(budget.reserve(2 * MB, holder('b'))), null)
    held.release()
  })

  it('is never all with one key, where there are several', async () => {
    const budget = budgetOf(80, { isShared: true })
    const held = await budget.reserve(50 * MB, holder('a'))
    const more = budget.reserve(10 * MB, holder('a'))
    assert.equal(await now(more), null)
    // The other key does not wait behind it.
    assert.notEqual(await now(budget.reserve(10 * MB, holder('b'))), null)
    held.resize(30 * MB)
    assert.notEqual(await now(more), null)
  })

  it('grows at once or not at all', async () => {
    const budget = budgetOf(80)
    const one = await budget.reserve(MB, holder())
    const other = await budget.reserve(MB, holder())
    assert.equal(one.resize(64 * MB), true)
    assert.equal(other.resize(8 * MB), false)
    assert.equal(budget.held, 65 * MB)
    one.release()
    assert.equal(one.resize(2 * MB), false)
    assert.equal(budget.held, MB)
  })

  it('is taken from who is late, only while others wait', async () => {
    const budget = budgetOf(80)
    const late: Reservation = await budget.reserve(
      70 * MB,
      holder(null, () => isLate && late.release()),
    )
    let isLate = true
    mock.timers.tick(60_000)
    assert.equal(budget.held, 70 * MB)
    isLate = false
    const next = budget.reserve(20 * MB, holder())
    assert.equal(await now(next), null)
    isLate = true
    mock.timers.tick(1000)
    assert.notEqual(await now(next), null)
    assert.equal(budget.held, 20 * MB)
  })

  it('is not kept for a client that has left while it waited', async () => {
    const budget = budgetOf(80)
    const held = await budget.reserve(70 * MB, holder())
    const client = new AbortController()
    const reserved = budget.reserve(20 * MB, { ...holder(), signal: () => client.signal })
    client.abort(new Error('left'))
    await assert.rejects(reserved, /left/)
    held.release()
    assert.equal(budget.held, 0)
  })
})
