import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import type { GatewayContext } from '../../../gateway/http/context.ts'
import { readMultipart } from '../../../gateway/http/multipart.ts'
import { readBody } from '../../../gateway/http/read-body.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { createByteBudget } from '../../../gateway/schedule/byte-budget.ts'

/** A request whose body never ends, as the routes see it. */
function unendingRequest() {
  const headers = { 'content-length': '1000', 'content-type': 'multipart/form-data; boundary=b' }
  const incoming = Object.assign(new PassThrough(), { headers, httpVersion: '1.1' })
  const context = {
    env: { incoming, outgoing: new EventEmitter() },
    get: () => ({ key: null, bytes: null }),
    req: { raw: { signal: new AbortController().signal }, header: (name: keyof typeof headers) => headers[name] },
  }
  return context as unknown as GatewayContext
}

/** Tells whether a promise has been rejected with 408 after so many seconds; the clock of stillness stands. */
async function isGivenUp({ mock }: TestContext, reading: () => Promise<unknown>, seconds: readonly number[]) {
  mock.timers.enable({ apis: ['setTimeout'] })
  let code: string | null = null
  reading().catch((error: GatewayError) => (code = error.code))
  const found = []
  let passed = 0
  for (const second of seconds) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    mock.timers.tick((second - passed) * 1000)
    passed = second
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    found.push(code)
  }
  return found
}

describe('a body that goes on and on', () => {
  it('is given up after five minutes', async (context) => {
    const budget = createByteBudget({ bytes: 1e6, largest: 1e6, isShared: false })
    const options = { maxBytes: 1e6, budget, idleSeconds: 1e5, onBytes: () => {} }
    const found = await isGivenUp(context, () => readBody(unendingRequest(), options), [299, 301])
    assert.deepEqual(found, [null, 'request_timeout'])
  })

  it('has two hours where it brings a file', async (context) => {
    const tooLarge = () => new GatewayError('document_too_large', 'too large')
    const limits = {
      files: 1,
      fields: 1,
      fieldBytes: 10,
      fileBytes: 1e6,
      fileField: 'file',
      idleSeconds: 1e5,
      tooLarge,
    }
    const handlers = { onField: () => {}, onFile: async () => {} }
    const found = await isGivenUp(context, () => readMultipart(unendingRequest(), limits, handlers), [7199, 7201])
    assert.deepEqual(found, [null, 'request_timeout'])
  })
})
