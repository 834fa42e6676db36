import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PlacesGrant, PlacesReport, RedisPlaces } from '../../../gateway/store/redis-places.ts'
import { createSharedLimits } from '../../../gateway/upstream/shared-limits.ts'
import { closingOf } from '../../support/closing.ts'
import { eventually } from '../../support/within.ts'

const SERVER = 'http://vllm/v1'
const LIMIT = 16
const demand = { inFlight: 0, unbegun: 0, waiting: 0, limit: LIMIT, isSettled: true }
const grant = (part: number): PlacesGrant => ({
  limit: LIMIT,
  isSettled: true,
  leads: false,
  part,
  target: part,
  gateways: 3,
  active: 0,
  unbegun: 0,
})

/** A Redis whose answers a test gives by hand. */
function createAnswers() {
  const waiting: PromiseWithResolvers<PlacesGrant>[] = []
  const said: (PlacesReport | undefined)[] = []
  return {
    waiting,
    said,
    places: {
      async report(_id: string, reports: Parameters<RedisPlaces['report']>[1]) {
        said.push(reports[SERVER])
        const answer = Promise.withResolvers<PlacesGrant>()
        waiting.push(answer)
        return { [SERVER]: await answer.promise }
      },
      leave: async () => {},
    },
    /** Answers the report that waits, or the next one. */
    async answer(part: number) {
      await eventually(() => waiting.length > 0, 3000, 'a report')
      waiting.shift()?.resolve(grant(part))
    },
  }
}

describe('a gateway that shares limits', { concurrency: true }, () => {
  it('takes an even part while answers are late, and gives back what a late one takes away', async (t) => {
    const closing = closingOf(t)
    const redis = createAnswers()
    const shares = closing.adopt(createSharedLimits(redis.places), (it) => it.close())
    let changes = 0
    const onChange = () => void (changes += 1)
    const share = shares.join({ url: SERVER, demand: () => demand, adopt() {}, onChange })
    const becomes = (part: number) => eventually(() => share.part(LIMIT) === part, 3000, `a part of ${part}`)
    assert.equal(share.part(LIMIT), 4, 'a quarter before the first answer')
    await redis.answer(0)
    await becomes(0)
    assert.deepEqual(share.warnings(), [])
    await eventually(() => redis.waiting.length > 0, 3000, 'the next report')
    const before = changes
    await becomes(5)
    assert.ok(changes > before, 'pages that wait are told')
    assert.match(share.warnings().join(), /Redis does not say in time/)
    await redis.answer(16)
    await eventually(() => redis.waiting.length > 0, 3000, 'the next report')
    assert.equal(share.part(LIMIT), 5, 'a late answer gives nothing')
    await redis.answer(9)
    await becomes(9)
    assert.deepEqual(share.warnings(), [])
  })

  it('keeps its part while nobody answers, until a late answer takes it away', async (t) => {
    const closing = closingOf(t)
    const redis = createAnswers()
    const shares = closing.adopt(createSharedLimits(redis.places), (it) => it.close())
    const share = shares.join({ url: SERVER, demand: () => demand, adopt() {}, onChange() {} })
    await redis.answer(16)
    await eventually(() => redis.waiting.length > 0 && share.warnings().length > 0, 4000, 'a late answer')
    assert.equal(share.part(LIMIT), 16)
    await redis.answer(2)
    await eventually(() => share.part(LIMIT) === 5, 3000, 'an even part')
  })
  it('supposes three others like itself until it is told, or its search would stay at what it begins with', async (t) => {
    const closing = closingOf(t)
    const redis = createAnswers()
    const shares = closing.adopt(createSharedLimits(redis.places), (it) => it.close())
    const busy = { ...demand, inFlight: 20, unbegun: 2, limit: 80 }
    const share = shares.join({ url: SERVER, demand: () => busy, adopt() {}, onChange() {} })
    assert.deepEqual(share.others(), { active: 60, unbegun: 6 })
    await eventually(() => redis.said.length > 0, 3000, 'a report')
    assert.partialDeepStrictEqual(redis.said[0], { limit: 20, isSettled: false, held: 20, leads: false })
    await redis.answer(20)
    await eventually(() => share.others().active === 0, 3000, 'what the others said')
  })
})
