import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { checkGotenberg } from '../../../gateway/wiring/gotenberg.ts'
import { startFakeGotenberg, type FakeGotenberg } from '../../fakes/fake-gotenberg.ts'

describe('the look at Gotenberg', () => {
  let fake: FakeGotenberg
  before(async () => void (fake = await startFakeGotenberg()))
  after(() => fake[Symbol.asyncDispose]())

  it('finds nothing where none is set', async () => {
    assert.equal(await checkGotenberg(null), null)
  })

  it('finds one that is healthy, with the slash of its address or without', async () => {
    for (const address of [fake.url, `${fake.url}/`])
      assert.deepEqual(await checkGotenberg(new URL(address)), { what: 'Gotenberg', state: 'good', text: 'is healthy' })
  })

  it('says what is wrong, and what to do: with one that is not well, another server, and none', async () => {
    fake.setHealthy(false)
    const sick = await checkGotenberg(new URL(fake.url))
    assert.deepEqual([sick?.state, sick?.text], ['broken', 'says of itself with status 503 that it is not well'])
    const other = await checkGotenberg(new URL('/elsewhere', fake.url))
    assert.equal(other?.state, 'broken')
    const gone = await startFakeGotenberg()
    await gone[Symbol.asyncDispose]()
    const none = await checkGotenberg(new URL(gone.url.replace('//', '//user:secret@')))
    assert.deepEqual([none?.state, none?.text], ['broken', 'cannot be asked: ECONNREFUSED'])
    assert.match(none?.todo ?? '', /GATEWAY_GOTENBERG_URL/)
    assert.doesNotMatch(JSON.stringify(none), /secret/)
  })
})
