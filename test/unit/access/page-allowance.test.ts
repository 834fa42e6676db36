import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Access } from '../../../gateway/access/access.ts'
import { createPageAllowance } from '../../../gateway/access/page-allowance.ts'
import { createRateLimits } from '../../../gateway/access/rate-limits.ts'
import { createMemoryWindows } from '../../../gateway/access/window.ts'
import { makeCaller } from '../../support/make-caller.ts'

describe('what lines of batches may have read', () => {
  it('is for one line of a caller at a time, where it is more than a minute has; others come back later', async () => {
    const access = { owner: async (name: string) => makeCaller({ pagesPerMinute: 10 }, { name }) } as Access
    const limits = createRateLimits({ windows: createMemoryWindows(60_000) })
    const allowance = createPageAllowance(access, limits, null)
    const first = await allowance.admitLine('a', 25)
    assert.equal(first.perWindow, 10)
    await assert.rejects(allowance.admitLine('a', 11), { code: 'rate_limit_exceeded', retry: true })
    await assert.rejects(allowance.admitLine('a', 1), { code: 'rate_limit_exceeded' })
    const other = await allowance.admitLine('b', 25)
    assert.equal((await allowance.admit('a', 25)).perWindow, 10, 'who waits for an answer is not concerned')
    first[Symbol.dispose]()
    const next = await allowance.admitLine('a', 25)
    await assert.rejects(allowance.admitLine('b', 25), { code: 'rate_limit_exceeded' })
    for (const permits of [next, other]) permits[Symbol.dispose]()
  })

  it('is for no more lines than keep the places of their caller taken', async () => {
    const access = { owner: async (name: string) => makeCaller({ pagesInFlight: 2 }, { name }) } as Access
    const limits = createRateLimits({ windows: createMemoryWindows(60_000) })
    const allowance = createPageAllowance(access, limits, null)
    const caller = makeCaller({ pagesInFlight: 2 }, { name: 'a' })
    const first = await allowance.admitLine('a', 3)
    allowance.refuseLine(caller)
    const second = await allowance.admitLine('a', 3)
    assert.throws(() => allowance.refuseLine(caller), { code: 'rate_limit_exceeded', retry: true })
    allowance.refuseLine(makeCaller({ pagesInFlight: 2 }, { name: 'b' }))
    allowance.refuseLine(makeCaller({}, { name: 'a' }))
    second[Symbol.dispose]()
    allowance.refuseLine(caller)
    first[Symbol.dispose]()
  })
})
