import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { createAdmission } from '../../../gateway/schedule/admission.ts'

const MAX_PAGES = 100

function setUp() {
  let seconds = 0
  const admission = createAdmission(MAX_PAGES, () => seconds * 1000)

  /** Reads so many pages, one after the other, with `waiting` more let in beside them. */
  function read(pages: number, each: { seconds: number; waiting?: number; modelId?: string | null }): void {
    const { waiting = 0, modelId = 'm' } = each
    using admitted = admission.admit(pages + waiting, modelId)
    for (let page = 0; page < pages; page++) {
      seconds += each.seconds
      admitted.ended()
    }
  }

  /** Returns what `Retry-After` would say if the queue were full and so many pages more came. */
  function retryAfter(excess: number): number | undefined {
    using _ = admission.admit(MAX_PAGES, null)
    try {
      admission.admit(excess, 'm')
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'queue_full') return error.retryAfterSeconds
      throw error
    }
    return undefined
  }

  return { read, retryAfter, wait: (more: number) => (seconds += more) }
}

describe('when there will be room', () => {
  it('is a guess before any page was read', () => {
    const { retryAfter, wait } = setUp()
    wait(100)
    assert.equal(retryAfter(50), 5)
  })

  it('follows from the speed of reading, in which pauses do not count', () => {
    const { read, retryAfter, wait } = setUp()
    read(20, { seconds: 0.5, waiting: 70 })
    assert.equal(retryAfter(20), 10)
    wait(1000)
    assert.equal(retryAfter(20), 10)
  })

  it('is between 1 and 60 seconds', () => {
    const { read, retryAfter } = setUp()
    read(20, { seconds: 2 })
    assert.deepEqual([retryAfter(1), retryAfter(50)], [2, 60])
    read(100, { seconds: 0.01 })
    assert.equal(retryAfter(1), 1)
  })

  it('follows a server that becomes slower within a minute of reading', () => {
    const { read, retryAfter } = setUp()
    read(90, { seconds: 0.1 })
    assert.equal(retryAfter(10), 1)
    read(30, { seconds: 2 })
    assert.equal(retryAfter(10), 20)
  })

  it('does not rest on the first answer after a pause', () => {
    const { read, retryAfter, wait } = setUp()
    read(90, { seconds: 0.05 })
    wait(60)
    read(1, { seconds: 3 })
    const seconds = retryAfter(40)
    assert.ok(seconds !== undefined && seconds <= 4, `${seconds} s`)
  })

  it('learns nothing from pages that were left, or that no model reads', () => {
    const { read, retryAfter } = setUp()
    read(0, { seconds: 1, waiting: 50 })
    read(50, { seconds: 0.1, modelId: null })
    assert.equal(retryAfter(50), 5)
  })
})

describe('an admission of lanes', () => {
  it('takes no room from interactive pages for batch work, which comes after all', () => {
    const admission = createAdmission(10)
    using batch = admission.admit(100, 'ocr', 'batch')
    using chat = admission.admit(10, 'ocr', 'interactive')
    assert.equal(admission.queued, 110)
    assert.throws(() => admission.admit(1, 'ocr', 'interactive'), { code: 'queue_full', message: /^10 pages/ })
    batch[Symbol.dispose]()
    assert.throws(() => admission.admit(1, 'ocr', 'batch'), { code: 'queue_full', message: /^10 pages/ })
    assert.throws(() => admission.check('batch'), { code: 'queue_full' })
    chat[Symbol.dispose]()
    assert.doesNotThrow(() => admission.check('batch'))
  })
})

describe('the pages that no engine has taken', () => {
  it('become fewer when an engine begins with a page, and not again when the page ends or is asked for once more', () => {
    const admission = createAdmission(100)
    using admitted = admission.admit(5, 'ocr')
    using _ = admission.admit(3, 'another')
    for (const page of [11, 12, 12]) admitted.taken(page)
    assert.equal(admission.unsentFor('ocr'), 3)
    admitted.ended(11)
    assert.deepEqual([admission.unsentFor('ocr'), admission.queued], [3, 7])
    // It needed no engine.
    admitted.ended(13)
    assert.deepEqual([admission.unsentFor('ocr'), admission.queued], [2, 6])
  })

  it('are never more than the pages that have not ended', () => {
    const admission = createAdmission(100)
    const admitted = admission.admit(10, 'ocr')
    admitted.taken(1)
    admitted.keepOnly(2)
    assert.equal(admission.unsentFor('ocr'), 2)
    admitted.ended()
    assert.equal(admission.unsentFor('ocr'), 1)
    using late = admission.admit(10, 'ocr')
    late.keepBegun(4)
    assert.deepEqual([admission.unsentFor('ocr'), admission.queued], [1, 5])
    late.ended()
    assert.deepEqual([admission.unsentFor('ocr'), admission.queued], [1, 4])
    late[Symbol.dispose]()
    admitted[Symbol.dispose]()
    assert.deepEqual([admission.unsentFor('ocr'), admission.queued], [0, 0])
  })
})

describe('an admission within a share of the queue', () => {
  it('leaves the rest to others, and counts with them', () => {
    const admission = createAdmission(10)
    const share = admission.within(0.5)
    using held = share.admit(4, 'ocr')
    assert.throws(() => share.admit(2, 'ocr'), { code: 'queue_full' })
    using rest = admission.admit(6, 'ocr')
    assert.deepEqual([admission.queued, share.queued, share.unsentFor('ocr')], [10, 10, 10])
    assert.throws(() => share.check(), { code: 'queue_full' })
    held[Symbol.dispose]()
    rest[Symbol.dispose]()
    assert.doesNotThrow(() => share.check())
  })

  it('takes a request of any size when there are no others', () => {
    using all = createAdmission(10).within(0.5).admit(100, 'ocr')
    assert.ok(all)
  })

  it('tells whose pages it holds, the most first, and forgets who has none', () => {
    const admission = createAdmission(100)
    const within = admission.within(0.5)
    const first = admission.admit(3, 'ocr', 'interactive', 'team')
    const second = within.admit(7, 'ocr', 'batch', 'team')
    const third = admission.admit(5, null, 'interactive', 'other')
    first.ended()
    assert.deepEqual(admission.owners(), [
      { lane: 'batch', key: 'team', pages: 7 },
      { lane: 'interactive', key: 'other', pages: 5 },
      { lane: 'interactive', key: 'team', pages: 2 },
    ])
    second.keepOnly(1)
    for (const each of [first, third]) each[Symbol.dispose]()
    assert.deepEqual(within.owners(), [{ lane: 'batch', key: 'team', pages: 1 }])
    assert.deepEqual([admission.most, within.most], [100, 50])
    second[Symbol.dispose]()
    assert.deepEqual(admission.owners(), [])
  })
})
