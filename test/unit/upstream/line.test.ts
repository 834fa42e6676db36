import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createUpstreamChoice, type UpstreamChoice, type UpstreamClaim } from '../../../gateway/upstream/choice.ts'
import type { UpstreamLease } from '../../../gateway/upstream/lease.ts'
import { createLine } from '../../../gateway/upstream/line.ts'
import { someone } from '../../support/turn.ts'
import { toldUpstream } from './told-upstream.ts'

const NEVER = new AbortController().signal

/** A server of which the test says how much room it has, and when so many pages more would be answered. */
function createServer(url: string, waitFor: (more: number) => number) {
  const state = { room: 0 }
  const upstream = toldUpstream(url, {
    room: () => state.room,
    waitFor,
    lease() {
      state.room -= 1
      return { url } as UpstreamLease
    },
  })
  return { state, upstream }
}

/** Lets so many pages of a document wait in a line, which are told from the others that wait there. */
function queue(pages: number, choose: (unsent: () => number) => UpstreamChoice) {
  const state = { unsent: pages }
  const line = createLine(
    'model',
    choose(() => state.unsent),
    60,
  )
  const onTaken = () => void (state.unsent -= 1)
  const claim: UpstreamClaim = { modelId: 'model', turn: someone, onTaken }
  const urls: string[] = []
  for (let page = 0; page < pages; page++) void line.acquire(claim, NEVER).then(({ url }) => urls.push(url))
  return { line, urls, state }
}

describe('a line of pages', () => {
  it('says that a page is taken before the next one has its turn: the last pages go where they are read first', async () => {
    // The quick one answers two pages of its round; a third would come as late as from the other one.
    const quick = createServer('quick', (more) => (more <= 2 ? 1 : 3))
    const slow = createServer('slow', () => 2)
    const { line, urls, state } = queue(3, (unsent) => createUpstreamChoice([quick.upstream, slow.upstream], unsent))
    Object.assign(quick.state, { room: 1 })
    Object.assign(slow.state, { room: 1 })
    line.dispatch()
    await setImmediate()
    // Two are left, which the quick one will answer sooner than the other one could answer this one.
    assert.deepEqual([urls, state.unsent, line.waiting], [['quick'], 2, 2])
  })

  it('sends a page elsewhere while more are left than the quick one answers by then', async () => {
    const quick = createServer('quick', (more) => (more <= 2 ? 1 : 3))
    const slow = createServer('slow', () => 2)
    const { line, urls } = queue(4, (unsent) => createUpstreamChoice([quick.upstream, slow.upstream], unsent))
    Object.assign(quick.state, { room: 1 })
    Object.assign(slow.state, { room: 1 })
    line.dispatch()
    await setImmediate()
    assert.deepEqual([urls, line.waiting], [['quick', 'slow'], 2])
  })

  it('counts those that wait though their pages were begun: they are given back, or asked for another part of the page', async () => {
    const quick = createServer('quick', (more) => (more <= 2 ? 1 : 3))
    const slow = createServer('slow', () => 2)
    const { line, urls } = queue(4, () => createUpstreamChoice([quick.upstream, slow.upstream], () => 0))
    Object.assign(quick.state, { room: 1 })
    Object.assign(slow.state, { room: 1 })
    line.dispatch()
    await setImmediate()
    assert.deepEqual([urls, line.waiting], [['quick', 'slow'], 2])
  })
})
