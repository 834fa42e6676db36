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

  it('is not believed at once where text grows with the pages in half: what a busy process heard late makes as much', () => {
    const search = { ...beginSearch(72), levels: [level(20, 2000, 0.03)] }
    const sureOf = (pace: number, seconds: number) => isSure(search, level(60, pace, seconds), false)
    assert.deepEqual(
      [sureOf(5000, 0.03), sureOf(4000, 0.06), sureOf(4000, 0.11), sureOf(2400, 0.03)],
      [true, false, true, true],
    )
    assert.ok(isSure(beginSearch(9), level(4, 400, 0.03), false))
  })

  it('brings it back to where text would have grown with the pages, where it did not', () => {
    const search = { ...beginSearch(72), levels: [level(4, 400, 0.03), level(10, 1000, 0.03)] }
    const back = judgeText(search, level(60, 1640, 0.03), 0)
    assert.deepEqual([back.limit, back.isStepwise, back.phase, mayGoAhead(back)], [17, true, 'first', false])
    assert.equal(back.epoch, search.epoch)
  })

  it('is asked of each number once, and comes to an end, however much it scatters', () => {
    const random = seededRandom(7)
    const next = () => random.next()
    for (let run = 0; run < 3000; run++) {
      const few = level(4 + Math.floor(next() * 40), 0)
      const enough = level(few.pages + 1 + Math.floor(next() * few.pages * 2), 1000)
      const share = 0.6 + next() * 0.4
      const scatter = next() * 0.04
      const seen: number[] = []
      const narrowing = { below: [], isRight: true, few: { ...few, pace: 1000 * share }, enough }
      let search = settled({ limit: few.pages, narrowing })
      // Too few bring as much as they do in proportion, and a little more or less each time.
      for (let tries = 0; search.narrowing !== null; tries++) {
        assert.ok(tries < 12, `${few.pages} of ${enough.pages} with ${share}: ${seen.join(' ')}`)
        const bent = Math.min(1, share + ((1 - share) * (search.limit - few.pages)) / (enough.pages - few.pages))
        const pace = 1000 * bent * (1 + scatter * (next() - 0.5))
        search = narrow(search, search.narrowing, level(search.limit, pace))
        if (search.narrowing !== null) seen.push(search.limit)
      }
      assert.equal(new Set(seen).size, seen.length, seen.join(' '))
      assert.ok(search.limit >= few.pages && search.limit <= Math.ceil(enough.pages * 1.1), `${search.limit}`)
    }
  })
})
