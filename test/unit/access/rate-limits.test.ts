import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { createRateLimits } from '../../../gateway/access/rate-limits.ts'
import { createSharedWindows } from '../../../gateway/access/shared-windows.ts'
import { createMemoryWindows, type Windows } from '../../../gateway/access/window.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { makeCaller } from '../../support/make-caller.ts'

const live = new AbortController().signal

function setUp(lengthMs = 60_000) {
  let now = 5000
  const windows = createMemoryWindows(lengthMs, () => now)
  return { limits: createRateLimits({ windows }), windows, pass: (ms: number) => (now += ms) }
}

const code = (thrown: unknown): string => (thrown instanceof GatewayError ? thrown.code : String(thrown))

describe('limits by the minute', () => {
  it('let so many requests pass in each minute, which begins with the first of them', async () => {
    const { limits, pass } = setUp()
    const caller = makeCaller({ requestsPerMinute: 2 })
    pass(30_000)
    const first = await limits.request(caller)
    assert.deepEqual(first, { window: { granted: 1, limit: 2, remaining: 1, resetMs: 60_000 }, refusal: null })
    pass(59_000)
    assert.equal((await limits.request(caller))?.refusal, null)
    const refused = await limits.request(caller)
    assert.deepEqual([refused?.refusal?.code, refused?.refusal?.retryAfterSeconds], ['rate_limit_exceeded', 1])
    pass(1000)
    assert.equal((await limits.request(caller))?.window.remaining, 1)
  })

  it('do not mind who has none, nor another caller', async () => {
    const { limits } = setUp()
    assert.equal(await limits.request(makeCaller()), null)
    assert.equal((await limits.admit(makeCaller(), 1e6)).perWindow, Infinity)
    await limits.request(makeCaller({ requestsPerMinute: 1 }))
    assert.equal((await limits.request(makeCaller({ requestsPerMinute: 1 }, { name: 'another' })))?.refusal, null)
  })

  it('refuse pages that do not fit, and count none of them', async () => {
    const { limits, pass } = setUp()
    const caller = makeCaller({ pagesPerMinute: 10 })
    await limits.admit(caller, 7)
    pass(20_000)
    const error: unknown = await limits.admit(caller, 4).catch((thrown: unknown) => thrown)
    assert.equal(code(error), 'rate_limit_exceeded')
    assert.equal((error as GatewayError).retryAfterSeconds, 40)
    assert.match((error as GatewayError).message, /10 pages a minute: 3 of them are left, and this request has 4/)
    assert.equal((await limits.pages(caller))?.remaining, 3)
    await limits.admit(caller, 3)
    assert.equal((await limits.pages(caller))?.remaining, 0)
    // What is known already costs nothing, whatever is left.
    await limits.admit(caller, 0)
  })

  it('let more pages than a minute holds take what is left of it, and then one minute after the other', async () => {
    const { limits, windows, pass } = setUp(10)
    const caller = makeCaller({ pagesPerMinute: 3 })
    await limits.admit(caller, 2)
    const wanted: number[] = []
    const { perWindow, next } = await createRateLimits({
      windows: {
        take(wish) {
          // Whoever asks again has waited for the end of the window.
          if (wanted.length > 0) pass(10)
          wanted.push(wish.wanted)
          return windows.take(wish)
        },
      },
    }).admit(caller, 8)
    assert.equal(perWindow, 3)
    const windowsSeen: number[] = []
    await Promise.all(Array.from({ length: 8 }, () => next(live).then(() => windowsSeen.push(wanted.length))))
    assert.deepEqual(wanted, [8, 7, 4, 1])
    assert.deepEqual(windowsSeen, [1, 2, 2, 2, 3, 3, 3, 4])
  })

  it('take nothing more for a request that has ended', async () => {
    const taken: number[] = []
    const inner = createMemoryWindows(30)
    const windows: Windows = {
      take(wish) {
        taken.push(wish.wanted)
        return inner.take(wish)
      },
    }
    const { next } = await createRateLimits({ windows }).admit(makeCaller({ pagesPerMinute: 1 }), 5)
    await next(live)
    const leave = new AbortController()
    const waiting = next(leave.signal)
    leave.abort(new Error('left'))
    await assert.rejects(waiting, /left/)
    await delay(80)
    assert.deepEqual(taken, [5])
  })
})

describe('windows that replicas share', () => {
  it('are counted by the gateway itself while they do not answer, which is told', async () => {
    let now = 0
    let isDown = true
    let asked = 0
    const told: unknown[] = []
    const memory = createMemoryWindows(60_000, () => now)
    const shared: Windows = {
      take(wish) {
        asked += 1
        return isDown ? Promise.reject(new Error('down')) : memory.take(wish)
      },
    }
    const own = createMemoryWindows(60_000, () => now)
    const windows = createSharedWindows({ shared, own, onAlone: (error) => told.push(error), now: () => now })
    const caller = makeCaller({ requestsPerMinute: 2 })
    const limits = createRateLimits({ windows })
    const refusals = async () => [
      await limits.request(caller),
      await limits.request(caller),
      await limits.request(caller),
    ]
    assert.deepEqual(
      (await refusals()).map((each) => each?.refusal?.code ?? null),
      [null, null, 'rate_limit_exceeded'],
    )
    assert.deepEqual([asked, told.length], [1, 3])
    isDown = false
    now += 5500
    assert.equal((await limits.request(caller))?.window.remaining, 1)
    assert.deepEqual([asked, told.length], [2, 3])
  })
})
