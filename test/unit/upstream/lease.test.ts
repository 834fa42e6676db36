import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAdaptiveLimit, type AdaptiveLimit } from '../../../gateway/upstream/adaptive-limit.ts'
import { createLeases, type LeasedParts, type LeaseTurn } from '../../../gateway/upstream/lease.ts'

interface Setup {
  readonly pinned?: number | null
  readonly gateways?: number | null
  /** Called with how a page is given back, where that may happen. */
  readonly onGiveBack?: (giveBack: () => void) => void
}

/** The leases of a server whose limit is 4 from the beginning. */
function setUp({ pinned = null, gateways = null, onGiveBack }: Setup = {}) {
  const real = createAdaptiveLimit({ pinned })
  const sent: AdaptiveLimit['sent'] = (inFlight, how = {}) => {
    if (how.giveBack) onGiveBack?.(how.giveBack)
    return real.sent(inFlight, how)
  }
  const limit = { ...real, current: real.current, sent }
  const parts = {
    limit,
    share: { part: (most: number) => most, gateways: () => gateways, left() {} },
    breaker: { state: () => 'closed', sent: () => ({ succeeded() {}, failed() {} }) },
    health: { lost: () => new AbortController().signal, heard() {} },
    connection: { url: 'http://gpu/v1' },
    events: { waitingFor: () => 0, onChange() {}, onTrouble() {} },
    onImageRefused() {},
  }
  return createLeases(parts as unknown as LeasedParts)
}

const of = (request: string, key = 'key', lane: LeaseTurn['lane'] = 'interactive'): LeaseTurn => ({
  request,
  key,
  lane,
})

function fill(leases: ReturnType<typeof setUp>) {
  return [1, 2, 3, 4].map(() => leases.take(of('long')))
}

describe('a page that the server has too many of', () => {
  it('is given back but for the first one of its request, the last that was sent first', () => {
    const given: (() => void)[] = []
    const leases = setUp({ onGiveBack: (giveBack) => given.push(giveBack) })
    const [first, second, third] = fill(leases)
    assert.equal(given.length, 3)
    given[1]?.()
    assert.deepEqual([first?.excess.aborted, second?.excess.aborted, third?.excess.aborted], [false, false, true])
    // It says nothing of the limit or the server, and is there until it is released.
    assert.equal(leases.count('page'), 4)
    third?.release()
    assert.equal(leases.count('page'), 3)
    leases.take({ ...of('long'), stays: true })
    assert.equal(given.length, 3)
  })
})

describe('a page beyond the limit', () => {
  it("is a request's first one, and one at a time where the limit is small", () => {
    const leases = setUp()
    fill(leases)
    assert.equal(leases.takesFirst(of('long')), false)
    assert.equal(leases.takesFirst(of('short')), true)
    const beyond = leases.take(of('short'))
    assert.equal(leases.count('page'), 5)
    assert.equal(leases.takesFirst(of('short')), false)
    assert.equal(leases.takesFirst(of('other')), false)
    beyond.release()
    assert.equal(leases.takesFirst(of('other')), true)
  })

  it('is none of the batch lane', () => {
    const leases = setUp()
    fill(leases)
    assert.equal(leases.takesFirst(of('short', 'key', 'batch')), false)
  })

  it('is none where an operator has set the limit, or replicas share it', () => {
    for (const leases of [setUp({ pinned: 4 }), setUp({ gateways: 2 })]) {
      fill(leases)
      assert.equal(leases.takesFirst(of('short')), false)
    }
  })
})
