import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { beginSearch, type LimitSearch } from '../../../gateway/upstream/limit-search.ts'
import { isSure, judgeText, mayGoAhead, narrow } from '../../../gateway/upstream/text-search.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const level = (pages: number, pace: number, seconds = 1) => ({ pages, pace, seconds })
const settled = (search: Partial<LimitSearch>): LimitSearch => ({
  ...beginSearch(),
  phase: 'settled',
  isStepwise: true,
  ...search,
})

describe('what text says of a limit', () => {
  it('lets it go ahead up to six times the pages that were measured, where text grows with them', () => {
    const few = judgeText(beginSearch(9), level(4, 400, 0.03), 0)
    assert.deepEqual([few.limit, mayGoAhead(few), mayGoAhead({ ...few, limit: 24 })], [9, true, false])
    const more = judgeText({ ...few, limit: 21 }, level(14, 1350, 0.03), 0)
    assert.deepEqual([more.limit, more.isStepwise, mayGoAhead({ ...more, limit: 83 })], [21, false, true])
  })

  it('is not believed at once where text grows less than the pages: what a busy process heard late makes as much', () => {
    const search = { ...beginSearch(72), levels: [level(20, 2000, 0.03)] }
    const sureOf = (pace: number, seconds: number) => isSure(search, level(60, pace, seconds), false)
    assert.deepEqual(
      [sureOf(5000, 0.03), sureOf(4000, 0.06), sureOf(4000, 0.11), sureOf(2400, 0.03), sureOf(2400, 0.11)],
      [true, false, true, false, true],
    )
    assert.ok(isSure(beginSearch(9), level(4, 400, 0.03), false))
    // Of as many as before it is asked for longer.
    assert.deepEqual(
      [0.06, 0.11].map((seconds) => isSure(search, level(22, 2200, seconds), false)),
      [false, true],
    )
  })

  it('does not bring it back where one level was heard late: what was measured before is taken together', () => {
    // Of 64 places; a page has 800 characters a second.
    const levels = [level(16, 12_187, 0.05), level(30, 27_706, 0.05), level(40, 38_189, 0.05)]
    const search = { ...beginSearch(72), levels }
    assert.deepEqual(judgeText(search, level(64, 50_000, 0.11), 0).levels, [...levels, level(64, 50_000, 0.11)])
    assert.ok(isSure(search, level(64, 50_000, 0.05), false))
    // Forty bring all: then it goes back.
    const back = judgeText(search, level(64, 32_000, 0.11), 0)
    assert.ok(back.isStepwise && back.limit >= 35 && back.limit <= 40, `${back.limit}`)
  })

  it('forgets on the way back what was measured briefly: it may have been too much', () => {
    const search = { ...beginSearch(72), levels: [level(4, 400), level(10, 2000, 0.03)] }
    assert.deepEqual(judgeText(search, level(60, 3000, 0.11), 0).levels, [level(4, 400)])
    const back = judgeText({ ...search, levels: search.levels.slice(1) }, level(60, 6000, 0.11), 0)
    assert.deepEqual([back.limit, back.levels], [30, []])
    assert.deepEqual(
      [0.03, 0.11].map((seconds) => isSure(back, level(30, 3000, seconds), false)),
      [false, true],
    )
    assert.equal(judgeText(back, level(30, 3000, 0.11), 0).limit, 45)
  })

  it('takes fewer pages for enough where it has not grown from them to more: what was measured as enough was too much', () => {
    const narrowing = { below: [], isRight: true, few: level(29, 4500), fewer: null, enough: level(66, 4980) }
    const first = narrow(settled({ limit: 44, narrowing }), narrowing, level(44, 4800))
    assert.ok(first.narrowing)
    const second = narrow(first, first.narrowing, level(53, 4800))
    assert.deepEqual(
      [second.narrowing?.few, second.narrowing?.enough, second.limit],
      [level(29, 4500), level(44, 4800), 36],
    )
  })

  it('tries fewer in small steps where there are many, as too few cost what the server can do', () => {
    const from = (enough: number) => {
      const narrowing = { below: [], isRight: true, few: null, fewer: null, enough: level(enough + 5, 1000) }
      const { limit, narrowing: next } = narrow(settled({ limit: enough }), narrowing, level(enough, 1000))
      return [limit, next?.enough.pages]
    }
    assert.deepEqual(
      [from(33), from(14), from(4)],
      [
        [27, 33],
        [9, 14],
        [4, undefined],
      ],
    )
  })

  it('learns nothing where first pages of requests beyond the limit are as many as are enough', () => {
    const narrowing = { below: [level(25, 880)], isRight: false, few: null, fewer: null, enough: level(31, 1000) }
    const search = settled({ limit: 28, narrowing })
    for (const pace of [900, 1000, 1100]) assert.equal(narrow(search, narrowing, level(31, pace)), search)
  })

  it('brings it back to where text would have grown with the pages, where it did not', () => {
    const search = { ...beginSearch(72), levels: [level(4, 400, 0.03), level(10, 1000, 0.03)] }
    const back = judgeText(search, level(60, 1640, 0.03), 0)
    assert.deepEqual([back.limit, back.isStepwise, back.phase, mayGoAhead(back)], [17, true, 'first', false])
    assert.equal(back.epoch, search.epoch)
  })

  it('is asked of hardly any number twice, and comes to an end, however much it scatters', () => {
    let repeated = 0
    const random = seededRandom(7)
    const next = () => random.next()
    for (let run = 0; run < 3000; run++) {
      const few = level(4 + Math.floor(next() * 40), 0)
      const enough = level(few.pages + 1 + Math.floor(next() * few.pages * 2), 1000)
      const share = 0.6 + next() * 0.4
      const scatter = next() * 0.04
      const seen: number[] = []
      const narrowing = { below: [], isRight: true, few: { ...few, pace: 1000 * share }, fewer: null, enough }
      let search = settled({ limit: few.pages, narrowing })
      // What fewer bring is less in proportion, and fewer than those less than that.
      const bent = (pages: number) =>
        pages < few.pages
          ? share * Math.sqrt(pages / few.pages)
          : Math.min(1, share + ((1 - share) * (pages - few.pages)) / (enough.pages - few.pages))
      // It is seen as a little more or less each time.
      for (let tries = 0; search.narrowing !== null; tries++) {
        assert.ok(tries < 12, `${few.pages} of ${enough.pages} with ${share}: ${seen.join(' ')}`)
        const pace = 1000 * bent(search.limit) * (1 + scatter * (next() - 0.5))
        search = narrow(search, search.narrowing, level(search.limit, pace))
        if (search.narrowing !== null) seen.push(search.limit)
      }
      if (new Set(seen).size < seen.length) repeated += 1
      assert.ok(search.limit <= Math.ceil(enough.pages * 1.1), `${search.limit}`)
      assert.ok(
        search.limit >= few.pages || bent(search.limit) >= 0.9,
        `${search.limit} of ${few.pages} to ${enough.pages}, ${share}`,
      )
    }
    // Only where what was measured as enough has turned out to be too much, and then too little.
    assert.ok(repeated <= 15, `${repeated}`)
  })
})
