import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { forwardRequest } from '../../../gateway/upstream/forward.ts'
import type { UpstreamLease } from '../../../gateway/upstream/lease.ts'

const request = { method: 'POST', path: '/chat/completions', headers: {}, body: '{}', model: 'm', turn: null } as const

/** A lease of an upstream that answers with a body, or with a failure. */
function leaseOf(body: Readable | Error) {
  const lost = new AbortController()
  const told = { until: new AbortController().signal, released: 0 }
  const lease = {
    lost: lost.signal,
    url: 'http://upstream',
    release: () => void (told.released += 1),
    async send(_: unknown, until: AbortSignal) {
      told.until = until
      if (body instanceof Error) throw body
      return { status: 200, headers: {}, body }
    },
  }
  return { lease: lease as unknown as UpstreamLease, told, lost }
}

describe('a request that is passed on', () => {
  it('leaves nothing at the signal of its client, which may outlive it, once its answer has ended', async () => {
    const client = new AbortController()
    for (const end of [(body: Readable) => body.resume(), (body: Readable) => body.destroy()]) {
      const { lease, told } = leaseOf(Readable.from(['answer']))
      const { body } = await forwardRequest(lease, request, client.signal)
      const closed = once(body, 'close')
      end(body)
      await closed
      assert.deepEqual([getEventListeners(client.signal, 'abort').length, told.released], [0, 1])
    }
    const refused = leaseOf(new Error('refused'))
    await assert.rejects(forwardRequest(refused.lease, request, client.signal), /refused/)
    assert.deepEqual([getEventListeners(client.signal, 'abort').length, refused.told.released], [0, 1])
    assert.equal(getEventListeners(refused.lost.signal, 'abort').length, 0)
  })

  it('is given up when its client leaves, and not when its upstream is lost that has begun to answer', async () => {
    const client = new AbortController()
    const { lease, told, lost } = leaseOf(Readable.from(['answer']))
    await forwardRequest(lease, request, client.signal)
    lost.abort(new Error('lost'))
    assert.equal(told.until.aborted, false)
    client.abort(new Error('gone'))
    assert.equal(told.until.aborted, true)
  })
})
