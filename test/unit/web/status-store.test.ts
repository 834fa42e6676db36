import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStatusStore } from '../../../gateway/web/app/status/store.ts'
import { followStatus, KeyRefused, StreamLost, type FollowOptions } from '../../../gateway/web/app/status/stream.ts'
import { bytes, duration } from '../../../gateway/web/app/status/words.ts'
import type { StatusSnapshot } from '../../../gateway/wire/status.ts'
import { eventually } from '../../support/within.ts'

const DEADLINE = 5000
const snapshot = { at: 1 } as StatusSnapshot

/** A store whose streams are driven by hand. */
function makeStore() {
  const tries: (FollowOptions & { fail: (error: Error) => void })[] = []
  let kept: string | null = null
  const store = createStatusStore({
    key: { get: () => kept, set: (key) => (kept = key) },
    follow(options) {
      const { promise, reject } = Promise.withResolvers<never>()
      options.signal.addEventListener('abort', () => reject(options.signal.reason as Error))
      tries.push({ ...options, fail: reject })
      return promise
    },
    now: () => performance.now(),
  })
  return { store, tries }
}

describe('the state of the status page', () => {
  it('goes from connecting to live, and keeps what was heard when the stream is lost, until it has another', async () => {
    const { store, tries } = makeStore()
    assert.equal(tries.length, 0, 'it may be hidden')
    store.setHidden(false)
    assert.equal(store.get().link.kind, 'connecting')
    tries[0]?.onSnapshot(snapshot)
    assert.deepEqual([store.get().link.kind, store.get().snapshot], ['live', snapshot])
    tries[0]?.fail(new StreamLost('gone'))
    await eventually(() => store.get().link.kind === 'lost', DEADLINE, 'the loss')
    assert.deepEqual(store.get().link, { kind: 'lost', why: 'gone', retryInSeconds: 1 })
    assert.equal(store.get().snapshot, snapshot)
    await eventually(() => tries.length === 2, DEADLINE, 'another try')
    tries[1]?.onSnapshot(snapshot)
    assert.equal(store.get().link.kind, 'live')
    store.pause()
  })

  it('waits longer after each try in vain, and not at all when told so', async () => {
    const { store, tries } = makeStore()
    store.setHidden(false)
    tries[0]?.fail(new StreamLost('gone'))
    await eventually(() => tries.length === 2, DEADLINE, 'the second try')
    tries[1]?.fail(new StreamLost('gone'))
    await eventually(() => store.get().link.kind === 'lost', DEADLINE, 'the second loss')
    assert.equal((store.get().link as { retryInSeconds: number }).retryInSeconds, 2)
    store.retryNow()
    assert.deepEqual([tries.length, store.get().link.kind], [3, 'connecting'])
    store.pause()
  })

  it('does not watch while it is paused or hidden', () => {
    const { store, tries } = makeStore()
    store.setHidden(false)
    tries[0]?.onSnapshot(snapshot)
    store.pause()
    assert.deepEqual([tries[0]?.signal.aborted, store.get().link.kind], [true, 'paused'])
    store.setHidden(true)
    store.setHidden(false)
    assert.equal(tries.length, 1)
    store.resume()
    assert.equal(tries.length, 2)
    store.setHidden(true)
    assert.equal(tries[1]?.signal.aborted, true)
  })

  it('asks for a key when there is none, or another one, and forgets what it showed with one', async () => {
    const { store, tries } = makeStore()
    store.setHidden(false)
    tries[0]?.fail(new KeyRefused('a key is needed'))
    await eventually(() => store.get().link.kind === 'refused', DEADLINE, 'the question')
    assert.deepEqual(store.get().link, { kind: 'refused', why: 'a key is needed', hadKey: false })
    store.setKey('wrong')
    assert.deepEqual([tries[1]?.key, store.get().hasKey], ['wrong', true])
    tries[1]?.onSnapshot(snapshot)
    store.setKey(null)
    assert.deepEqual([store.get().snapshot, store.get().hasKey], [null, false])
    store.pause()
  })
})

describe('a stream of the status', () => {
  const follow = (response: () => Promise<Response>, seen: unknown[] = []) =>
    followStatus('status/events', response, {
      key: 'k',
      onSnapshot: (each) => seen.push(each),
      signal: new AbortController().signal,
    })

  it('is read event by event, and is lost when it ends', async () => {
    const seen: unknown[] = []
    const body = 'retry: 2000\n\n: nothing new\n\nevent: status\ndata: {"at":1}\n\nevent: other\ndata: {}\n\n'
    await assert.rejects(
      follow(async () => new Response(body), seen),
      StreamLost,
    )
    assert.deepEqual(seen, [{ at: 1 }])
  })

  it('is refused in the words of the gateway', async () => {
    const refusal = (status: number) => async () =>
      Response.json({ error: { message: 'Ask with another key.' } }, { status })
    await assert.rejects(follow(refusal(401)), new KeyRefused('Ask with another key.'))
    await assert.rejects(follow(refusal(403)), new KeyRefused('Ask with another key.'))
    await assert.rejects(follow(refusal(429)), new StreamLost('Ask with another key.'))
    await assert.rejects(
      follow(async () => new Response('<html>', { status: 502 })),
      new StreamLost('The gateway answered 502.'),
    )
    await assert.rejects(
      follow(() => Promise.reject(new TypeError('fetch failed'))),
      new StreamLost('The gateway cannot be reached.'),
    )
  })
})

describe('what the status page says', () => {
  it('has units that people read', () => {
    const seconds = [0.0123, 1.25, 9.999, 61, 150, 3600 * 4 + 300, 3600 * 24 * 3 + 7200]
    assert.deepEqual(seconds.map(duration), ['0.0123 s', '1.25 s', '10 s', '61 s', '3 min', '4 h 5 min', '3 d 2 h'])
    assert.deepEqual([0, 999, 12_345, 21_474_836_480].map(bytes), ['0 B', '999 B', '12.3 kB', '21.5 GB'])
  })
})
