import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createTokenCallers } from '../../../gateway/access/token-callers.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
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
})
