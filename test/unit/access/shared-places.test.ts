import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import type { RedisPlaces } from '../../../gateway/access/redis-places.ts'
import { createSharedPlaces } from '../../../gateway/access/shared-places.ts'
import { eventually } from '../../support/within.ts'

const live = new AbortController().signal

/** Places as Redis keeps them, all of one caller; `others` are those of another gateway. */
function fakeRedis(others = 0) {
  const state = { others, inside: new Set<string>(), back: [] as string[] }
  const redis: RedisPlaces = {
    async take(_, most, ids) {
      const given = ids.slice(0, Math.max(0, most - state.others - state.inside.size))
      for (const id of given) state.inside.add(id)
      return given.length
    },
    giveBack(_, id) {
      state.inside.delete(id)
      state.back.push(id)
    },
    renew: async () => {},
    close: () => {},
  }
  return { state, redis }
}

describe('places that gateways share', () => {
  it('let in as many as there are, and the next one when one was given back, here or elsewhere', async () => {
    const { state, redis } = fakeRedis(1)
    const places = createSharedPlaces(redis)
    const entered: number[] = []
    const taken = [1, 2, 3].map((number) =>
      places.take('ada', 2, live).then((release) => {
        entered.push(number)
        return release
      }),
    )
    const release = await taken[0]
    assert.deepEqual(entered, [1])
    release?.()
    release?.()
    await eventually(() => entered.length === 2, 2000, 'the second enters')
    state.others = 0
    await eventually(() => entered.length === 3, 2000, 'the third enters')
    for (const each of await Promise.all(taken)) each()
    assert.deepEqual([state.inside.size, state.back.length], [0, 3])
    places.close()
  })

  it('are not taken for a page that has left, whenever that was', async () => {
    const { state, redis } = fakeRedis()
    const places = createSharedPlaces(redis)
    const leave = new AbortController()
    // Its place is given while it leaves.
    const taken = places.take('ada', 1, leave.signal)
    leave.abort(new Error('left'))
    await assert.rejects(taken, /left/)
    await eventually(() => state.back.length === 1, 2000, 'the place is given back')
    assert.equal(state.inside.size, 0)
    await assert.rejects(places.take('ada', 1, leave.signal), /left/)
    ;(await places.take('ada', 1, live))()
    places.close()
  })

  it('stay given back, although Redis was just renewing them', async (t) => {
    mock.timers.enable({ apis: ['setInterval'] })
    t.after(() => mock.timers.reset())
    const { state, redis } = fakeRedis()
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = Object.assign(redis, {
      // The first try finds that Redis does not have the script yet.
      async renew(_: string, ids: readonly string[]) {
        await promise
        for (const id of ids) state.inside.add(id)
      },
    })
    const places = createSharedPlaces(slow)
    const [stays, leaves] = await Promise.all([places.take('ada', 2, live), places.take('ada', 2, live)])
    mock.timers.tick(4000)
    leaves()
    resolve()
    await eventually(() => state.back.length === 2, 2000, 'it is given back once more')
    assert.equal(state.inside.size, 1)
    stays()
    places.close()
  })
})
