import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createTokenCallers, type TokenCallers } from '../../../gateway/access/token-callers.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import type { SharedRedis } from '../../../gateway/store/redis.ts'
import { makeCaller } from '../../support/make-caller.ts'
import { useFolder } from '../../support/use-folder.ts'

const folder = useFolder()
const fail = (error: unknown): never => assert.fail(String(error))

describe('whom tokens have named', () => {
  it('is known by what the last token said, also to the next process', async () => {
    const dataDir = join(folder.path, 'data')
    const database = createDatabase(dataDir)
    const callers = createTokenCallers({ shared: null, database }, fail)
    const ada = makeCaller({ pagesPerMinute: 4 }, { name: 'jwt:ada' })
    assert.equal(await callers.find('jwt:ada'), null)
    await callers.keep(ada)
    await callers.keep({ ...ada, lanes: ['batch'] })
    assert.deepEqual(callers.known('jwt:ada')?.lanes, ['batch'])
    database.close()
    const again = createDatabase(dataDir)
    const next = createTokenCallers({ shared: null, database: again }, fail)
    assert.equal(next.known('jwt:ada'), null)
    assert.deepEqual(await next.find('jwt:ada'), { ...ada, lanes: ['batch'] })
    assert.deepEqual(next.known('jwt:ada')?.limits.pagesPerMinute, 4)
    again.close()
  })

  it('is known to this process though it cannot be kept, which is told', async () => {
    const database = createDatabase('/dev/null/no-folder')
    const told: unknown[] = []
    const callers = createTokenCallers({ shared: null, database }, (error) => told.push(error))
    await callers.keep(makeCaller({}, { name: 'jwt:bob' }))
    assert.equal((await callers.find('jwt:bob'))?.name, 'jwt:bob')
    assert.equal(told.length, 1)
  })

  it('is what the last token said to any gateway, some seconds later', async () => {
    let time = 0
    const { shared, database } = fakeStore()
    const [one, other] = [0, 0].map(() => createTokenCallers({ shared, database }, fail, () => time)) as [
      TokenCallers,
      TokenCallers,
    ]
    const ada = makeCaller({ pagesPerMinute: 100 }, { name: 'jwt:ada' })
    await one.keep(ada)
    assert.equal((await other.find('jwt:ada'))?.limits.pagesPerMinute, 100)
    time += 1000
    const lowered = makeCaller({ pagesPerMinute: 1 }, { name: 'jwt:ada' })
    await other.keep(lowered)
    time += 10_000
    assert.equal((await one.find('jwt:ada'))?.limits.pagesPerMinute, 1)
    assert.equal(one.known('jwt:ada')?.limits.pagesPerMinute, 1)
    await one.keep(ada)
    time += 10_000
    assert.equal((await other.find('jwt:ada'))?.limits.pagesPerMinute, 100)
  })

  it('is kept with a later request where a store was away, or has lost it', async () => {
    let time = 0
    const { shared, database, kept, outage } = fakeStore()
    const told: unknown[] = []
    const callers = createTokenCallers(
      { shared, database },
      (error) => told.push(error),
      () => time,
    )
    const ada = makeCaller({}, { name: 'jwt:ada' })
    outage.isNow = true
    await callers.keep(ada)
    await callers.keep(makeCaller({}, { name: 'jwt:bob' }))
    assert.equal(told.length, 1, 'nobody waits for a store that has just failed')
    outage.isNow = false
    time += 5000
    await callers.keep(ada)
    assert.equal(kept.size, 1)
    outage.isNow = true
    time += 10_000
    assert.equal((await callers.find('jwt:ada'))?.name, 'jwt:ada')
    outage.isNow = false
    kept.clear()
    assert.equal((await callers.find('jwt:ada'))?.name, 'jwt:ada')
    await callers.keep(ada)
    assert.equal(kept.size, 1)
  })
})

/** A Redis that holds callers alone, and may be away. */
function fakeStore() {
  const kept = new Map<string, string>()
  const outage = { isNow: false }
  const redis = {
    set: async (key: string, json: string) => void kept.set(key, json),
    get: async (key: string) => kept.get(key) ?? null,
  }
  const run = async (commands: (redis: unknown) => Promise<unknown>): Promise<unknown> => {
    if (outage.isNow) throw new Error('away')
    return commands(redis)
  }
  const shared = { prefix: 'test:', run } as unknown as SharedRedis
  return { shared, kept, outage, database: createDatabase(join(folder.path, 'unused')) }
}
