import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAccess, refuseLane } from '../../../gateway/access/access.ts'
import { createKeyRing } from '../../../gateway/access/key-ring.ts'
import { plainKeys } from '../../../gateway/access/keys-file.ts'
import type { TokenCallers } from '../../../gateway/access/token-callers.ts'
import { isPassing } from '../../../gateway/batch/passing.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { makeCaller } from '../../support/make-caller.ts'

const tokenCallers: TokenCallers = { keep: async () => {}, find: async () => null, known: () => null }
const ring = createKeyRing({
  fixed: plainKeys([{ name: 'ada', key: 'key-of-ada' }]),
  path: null,
  onRead: () => {},
  onBroken: () => {},
})

const thrownBy = async (asked: Promise<unknown>): Promise<GatewayError> => {
  const thrown: unknown = await asked.catch((error: unknown) => error)
  assert.ok(thrown instanceof GatewayError)
  return thrown
}

describe('access', () => {
  it('is open without keys and tokens, and then all may all', async () => {
    const access = createAccess({ ring: null, tokens: null, tokenCallers })
    assert.equal(access.isOpen, true)
    assert.deepEqual(await access.owner('once-a-key'), makeCaller({}, { name: 'once-a-key' }))
  })

  it('has the work of who is not known any more wait, as somebody may be under that name again', async () => {
    const access = createAccess({ ring, tokens: null, tokenCallers })
    assert.equal((await access.owner('ada')).name, 'ada')
    assert.equal((await access.owner('')).name, '')
    for (const name of ['bob', 'jwt:ada']) {
      const error = await thrownBy(access.owner(name))
      assert.deepEqual([error.code, error.retry, isPassing(error)], ['forbidden', true, true])
    }
  })

  it('has the work of who may not do it fail', () => {
    const error = new GatewayError('forbidden', 'x')
    assert.throws(() => refuseLane(makeCaller({}, { lanes: ['interactive'] }), 'batch'), {
      code: 'forbidden',
      retry: false,
    })
    assert.equal(isPassing(error), false)
    refuseLane(makeCaller({}, { lanes: ['batch'] }), 'batch')
    refuseLane(makeCaller(), 'batch')
    refuseLane(null, 'interactive')
  })

  it('takes what looks like a token for a key where no tokens are taken', async () => {
    const access = createAccess({ ring, tokens: null, tokenCallers })
    assert.match((await thrownBy(access.identify('a.b.c'))).message, /not one of this gateway\. /)
  })
})
