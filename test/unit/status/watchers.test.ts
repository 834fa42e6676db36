import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLatest } from '../../../gateway/status/latest.ts'
import { createWatchers, MAX_WATCHERS } from '../../../gateway/status/watchers.ts'
import type { StatusSnapshot } from '../../../gateway/wire/status.ts'

const snapshotOf = (state: string): StatusSnapshot => ({ gateway: { state } }) as unknown as StatusSnapshot

/** Watchers whose gateway is looked at by hand, each minute: no test waits for that. */
function makeWatchers(look: () => Promise<StatusSnapshot> = async () => snapshotOf('ready')) {
  const seen = { looks: 0, watched: [] as boolean[], ended: 0, unread: 0 }
  const watchers = createWatchers({
    look: () => {
      seen.looks += 1
      return look()
    },
    onWatched: (isWatched) => seen.watched.push(isWatched),
  })
  const onEnd = (isUnread: boolean): void => {
    seen.ended += 1
    seen.unread += Number(isUnread)
  }
  const watch = () => watchers.watch(onEnd)?.getReader()
  return { watchers, seen, watch }
}

type Reader = ReadableStreamDefaultReader<Uint8Array> | undefined

const read = async (reader: Reader): Promise<string> => {
  const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
  return done ? 'END' : new TextDecoder().decode(value)
}

describe('those who watch the status', () => {
  it('are told at once, and share each look that follows', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const { watchers, seen, watch } = makeWatchers()
      const readers = [watch(), watch(), watch()]
      for (const reader of readers) {
        assert.equal(await read(reader), 'retry: 2000\n\n')
        assert.equal(await read(reader), 'event: status\ndata: {"gateway":{"state":"ready"}}\n\n')
      }
      assert.deepEqual([watchers.count, seen.looks, seen.watched], [3, 3, [true]])
      mock.timers.tick(1000)
      for (const reader of readers) assert.match(await read(reader), /^event: status/)
      assert.equal(seen.looks, 4)
      for (const reader of readers) await reader?.cancel()
      await turn()
      assert.deepEqual([watchers.count, seen.ended, seen.watched], [0, 3, [true, false]])
      mock.timers.tick(10_000)
      assert.equal(seen.looks, 4, 'nobody watches')
    } finally {
      mock.timers.reset()
    }
  })

  it('are as many as there is room for', async () => {
    const { watchers, watch } = makeWatchers()
    const readers = Array.from({ length: MAX_WATCHERS }, watch)
    assert.ok(readers.every((reader) => reader !== undefined))
    assert.equal(watch(), undefined)
    await readers[0]?.cancel()
    await turn()
    assert.notEqual(watch(), undefined)
    watchers.close()
    assert.equal(watchers.count, 0)
  })

  it('are let go of when they do not read, and nobody else is', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const { watchers, seen, watch } = makeWatchers()
      const [slow, quick] = [watch(), watch()]
      for (let second = 0; second < 15; second++) {
        mock.timers.tick(1000)
        await turn()
        await read(quick)
      }
      assert.deepEqual([watchers.count, seen.ended, seen.unread], [1, 1, 1])
      assert.deepEqual([await read(slow), await read(slow), await read(slow)].at(-1), 'END')
      watchers.close()
    } finally {
      mock.timers.reset()
    }
  })

  it('hear a heartbeat while a look is late, or fails', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const late = Promise.withResolvers<StatusSnapshot>()
      let looks = 0
      const { watchers, watch } = makeWatchers(() => {
        looks += 1
        if (looks === 1) return Promise.resolve(snapshotOf('ready'))
        return looks === 2 ? late.promise : Promise.reject(new Error('away'))
      })
      const reader = watch()
      await read(reader)
      await read(reader)
      mock.timers.tick(1000)
      mock.timers.tick(1000)
      assert.equal(await read(reader), ': nothing new\n\n')
      late.resolve(snapshotOf('no_upstream'))
      assert.match(await read(reader), /no_upstream/)
      mock.timers.tick(1000)
      assert.equal(await read(reader), ': nothing new\n\n')
      watchers.close()
    } finally {
      mock.timers.reset()
    }
  })

  it('hear that the gateway drains, and no more', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      let state = 'ready'
      const { watchers, seen, watch } = makeWatchers(async () => snapshotOf(state))
      const reader = watch()
      await read(reader)
      await read(reader)
      state = 'draining'
      mock.timers.tick(1000)
      assert.match(await read(reader), /draining/)
      assert.equal(await read(reader), 'END')
      assert.deepEqual([watchers.count, seen.ended], [0, 1])
    } finally {
      mock.timers.reset()
    }
  })
})

describe('what is looked up at most every so often', () => {
  const options = (clock: { at: number }) => ({ everyMs: 100, patienceMs: 20, now: () => clock.at })

  it('is looked up once for all that ask meanwhile', async () => {
    const clock = { at: 0 }
    let reads = 0
    const latest = createLatest(async () => ++reads, options(clock))
    assert.deepEqual(await Promise.all([latest.get(), latest.get(), latest.get()]), [1, 1, 1])
    clock.at = 99
    assert.equal(await latest.get(), 1)
    clock.at = 100
    assert.equal(await latest.get(), 2)
  })

  it('is not waited for, and is nothing when it fails or is away', async () => {
    const clock = { at: 0 }
    const answers = [Promise.resolve('first'), new Promise<string>(() => {})]
    const latest = createLatest(() => answers.shift() ?? Promise.reject(new Error('away')), options(clock))
    assert.equal(await latest.get(), 'first')
    clock.at = 150
    assert.equal(await latest.get(), 'first', 'what was said a moment ago')
    clock.at = 1000
    assert.equal(await latest.get(), null)
    const broken = createLatest(() => Promise.reject(new Error('away')), options(clock))
    assert.equal(await broken.get(), null)
  })
})
