import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { createRedisPlaces, type PlacesGrant, type PlacesReport } from '../../gateway/store/redis-places.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { closingOf } from '../support/closing.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { seededRandom, type SeededRandom } from '../support/seeded-random.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { eventually } from '../support/within.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const URL = 'http://vllm/v1'
/** Of a Redis that was emptied. */
const GRACE = 2600

describe('places that are divided in Redis', () => {
  it('are never more than the limit, go to those who want them, and nobody starves', async (t) => {
    const closing = closingOf(t)
    const server = closing.use(await startRedis())
    const redis = closing.adopt(createSharedRedis({ url: server.url }), (it) => it.close())
    const places = createRedisPlaces(redis)
    await Promise.all([1, 2, 4, 16].map((limit) => playAndCheck(places, limit, seededRandom(limit))))
  })

  it('are not given away anew by a Redis that was emptied', async (t) => {
    const closing = closingOf(t)
    const server = closing.use(await startRedis())
    const redis = closing.adopt(createSharedRedis({ url: server.url }), (it) => it.close())
    const places = createRedisPlaces(redis)
    const { [URL]: grant } = await places.report('a', { [URL]: demandOf({ limit: 16, waiting: 16, held: 5 }) })
    assert.equal(grant?.part, 5)
    const { [URL]: fresh } = await places.report('b', { [URL]: demandOf({ limit: 16, waiting: 16 }) })
    assert.equal(fresh?.part, 4)
  })
})

describe('what Redis decides for gateways', () => {
  const GATEWAY = demandOf({ inFlight: 1, limit: 16 })

  async function startPlaces(t: TestContext) {
    const closing = closingOf(t)
    const server = closing.use(await startRedis())
    const redis = closing.adopt(createSharedRedis({ url: server.url }), (it) => it.close())
    const places = createRedisPlaces(redis)
    async function report(id: string, given: Partial<PlacesReport>): Promise<PlacesGrant> {
      const { [URL]: grant } = await places.report(id, { [URL]: { ...GATEWAY, ...given } })
      assert.ok(grant !== undefined)
      return grant
    }
    const key = `${redis.prefix}places:${URL}`
    /** Makes what gateways said last so much older, in milliseconds, and when Redis was emptied. */
    async function age(ids: readonly string[], by: number): Promise<void> {
      await redis.run(async (commands) => {
        for (const id of ids) {
          const said = JSON.parse((await commands.hget(key, id)) ?? '') as { at: number }
          await commands.hset(key, id, JSON.stringify({ ...said, at: said.at - by }))
        }
        await commands.hincrby(key, 'born', -GRACE)
      })
    }
    return { redis, key, age, report }
  }

  it('a limit that was found out is not lost to a gateway that begins when Redis was emptied', async (t) => {
    const { report } = await startPlaces(t)
    assert.equal((await report('new', { limit: 8, isSettled: false })).limit, 8)
    const { limit, leads } = await report('old', { limit: 64 })
    assert.deepEqual({ limit, leads }, { limit: 64, leads: true })
    const told = await report('new', { limit: 8, isSettled: false })
    assert.deepEqual([told.limit, told.isSettled, told.leads], [64, true, false])
  })

  it('who has few pages and all the room that it wants does not find out the limit for who waits', async (t) => {
    const { report } = await startPlaces(t)
    await report('few', { waiting: 3 })
    assert.equal((await report('many', { inFlight: 8, waiting: 50, leads: false })).leads, false)
    await report('few', { waiting: 0 })
    assert.equal((await report('many', { inFlight: 3, waiting: 50, leads: false })).leads, false)
    assert.equal((await report('many', { inFlight: 8, waiting: 0, leads: false })).leads, false)
    assert.equal((await report('many', { inFlight: 8, waiting: 50, leads: false })).leads, true)
    assert.equal((await report('few', { waiting: 0 })).leads, false)
  })

  it('nobody is kept places that its own limit forbids', async (t) => {
    const { age, report } = await startPlaces(t)
    await report('16', { waiting: 50 })
    assert.equal((await report('4', { waiting: 50, limit: 4, leads: false })).target, 4)
    const { target, gateways } = await report('16', { waiting: 50 })
    assert.deepEqual(
      { target, gateways },
      { target: 12, gateways: 4 },
      'there may be others that Redis does not know yet',
    )
    await age([], 0)
    assert.equal((await report('16', { waiting: 50 })).gateways, 2)
  })

  it('a clock that was set back keeps no dead gateway alive, and no part small', async (t) => {
    const { redis, key, age, report } = await startPlaces(t)
    await report('dead', { inFlight: 10, held: 10 })
    await report('alive', { waiting: 50, leads: false })
    await age(['dead'], -600_000)
    await redis.run((commands) => commands.hincrby(key, 'born', 600_000))
    const { part, gateways } = await report('alive', { waiting: 50, leads: false })
    assert.deepEqual({ part, gateways }, { part: 16, gateways: 1 })
  })

  it('who is heard first after a time in which nobody was takes nothing that others may hold', async (t) => {
    const { age, report } = await startPlaces(t)
    await report('a', { inFlight: 5, held: 5 })
    await report('b', { inFlight: 11, held: 11, leads: false })
    await age(['a', 'b'], 10_000)
    assert.equal((await report('a', { inFlight: 5, held: 5, waiting: 50 })).part, 5)
    assert.equal((await report('b', { inFlight: 11, held: 11, waiting: 50, leads: false })).part, 8)
  })

  it('a Redis that is full forgets nobody', async (t) => {
    const { redis, key, age, report } = await startPlaces(t)
    await report('a', { held: 10 })
    await age(['a'], 10_000)
    await redis.run((commands) => commands.config('SET', 'maxmemory', '1'))
    await assert.rejects(report('b', { waiting: 50 }), { code: 'storage_unavailable' })
    assert.equal(await redis.run((commands) => commands.hexists(key, 'a')), 1)
  })
})

function demandOf(given: Partial<PlacesReport>): PlacesReport {
  return {
    inFlight: 0,
    unbegun: 0,
    waiting: 0,
    limit: 4,
    isSettled: true,
    held: 0,
    leads: true,
    ...given,
  }
}

/** Three gateways that want all and whose pages come and go; then one alone. */
async function playAndCheck(places: ReturnType<typeof createRedisPlaces>, limit: number, random: SeededRandom) {
  const url = `${URL}/${limit}`
  const born = await places.report('first', { [url]: demandOf({ limit }) })
  assert.equal(born[url]?.leads, true)
  await places.leave('first', [url])
  await delay(GRACE)
  const gateways = ['a', 'b', 'c'].map((id) => ({ id, inFlight: 0, part: 0, served: 0, leads: true }))
  async function report(each: (typeof gateways)[number], waiting: number): Promise<PlacesGrant> {
    const { inFlight, leads } = each
    const own = { limit, leads, inFlight, waiting, held: Math.max(inFlight, each.part) }
    const { [url]: grant } = await places.report(each.id, { [url]: demandOf(own) })
    assert.ok(grant !== undefined)
    each.part = grant.part
    each.leads = grant.leads
    return grant
  }
  for (let round = 0; round < 200; round += 1) {
    // Who waits longest is told by Redis' clock.
    await delay(2)
    const each = random.pick(gateways)
    if (random.chance(0.5)) each.inFlight = 0
    await report(each, 100)
    each.served += Math.max(0, each.part - each.inFlight)
    each.inFlight = Math.max(each.inFlight, each.part)
    const total = gateways.reduce((sum, { inFlight }) => sum + inFlight, 0)
    assert.ok(total <= limit, `${total} pages in ${limit} places`)
  }
  for (const { id, served } of gateways) assert.ok(served >= 5, `${id} was served ${served} pages of ${limit} places`)
  const leaders = []
  for (const each of gateways) if ((await report(each, 100)).leads) leaders.push(each.id)
  assert.equal(leaders.length, 1)
  const [alone, ...others] = gateways
  assert.ok(alone !== undefined)
  for (let round = 0; round < 3; round += 1) {
    for (const other of others) {
      other.inFlight = 0
      await report(other, 0)
    }
    await report(alone, 100)
  }
  assert.equal(alone.part, limit)
}

describe('gateways that share a server through Redis', () => {
  it('send it no more pages than it has places, divide them, and both finish', async (t) => {
    const closing = closingOf(t)
    const redis = closing.use(await startRedis())
    const fake = closing.use(
      await startFakeVllm({ answer: ({ image }) => ({ text: `page ${image?.pageNumber}`, firstDelayMs: 60 }) }),
    )
    const settings = {
      GATEWAY_REDIS_URL: redis.url,
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_UPSTREAM_CONCURRENCY: '3',
      GATEWAY_CACHE_MAX_BYTES: '0',
    }
    const gateways = [closing.use(await startTestGateway(settings)), closing.use(await startTestGateway(settings))]
    const parts = () => Promise.all(gateways.map(({ url }) => partOf(url)))
    await eventually(async () => (await parts()).every((part) => part > 0), 10_000, 'each has a part')
    assert.ok((await parts()).reduce((sum, part) => sum + part, 0) <= 3)
    const read = async ({ client }: (typeof gateways)[number], first: number, count = 12) => {
      const content = [filePart(makePdf(Array.from({ length: count }, (_, index) => ({ number: first + index }))))]
      const { choices } = await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] })
      return choices[0]?.message.content ?? ''
    }
    const texts = await Promise.all(gateways.map((gateway, index) => read(gateway, 1 + index * 100)))
    assert.ok(texts[0]?.includes('page 12') && texts[1]?.includes('page 112'))
    assert.ok(fake.peakRunning <= 3, `${fake.peakRunning} pages at a time`)
    const [first] = gateways
    assert.ok(first !== undefined)
    const reading = read(first, 300, 120)
    await eventually(async () => (await partOf(first.url)) === 3, 5000, 'the one that has pages has all places')
    await reading
    assert.ok(fake.peakRunning <= 3, `${fake.peakRunning} pages at a time`)
    await redis.kill()
    assert.ok((await read(first, 500)).includes('page 511'))
  })
})

async function partOf(url: string): Promise<number> {
  const { upstreams } = (await (await fetch(`${url}/ready`)).json()) as { upstreams: readonly { part: number }[] }
  return upstreams[0]?.part ?? 0
}
