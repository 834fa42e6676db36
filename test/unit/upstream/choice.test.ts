import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createUpstreamChoice } from '../../../gateway/upstream/choice.ts'
import type { Upstream } from '../../../gateway/upstream/upstream.ts'
import { someone } from '../../support/turn.ts'
import { toldUpstream } from './told-upstream.ts'

/** A server with room, whose time runs on between two questions. */
function busyServer(url: string, seconds: number): Upstream {
  let left = seconds
  return toldUpstream(url, { room: () => 1, waitFor: () => (left -= 0.001) })
}

describe('the choice of an upstream', () => {
  it('is the one that answers first, though time runs on while they are asked', () => {
    const choice = createUpstreamChoice([busyServer('slow', 3), busyServer('quick', 1)])
    assert.equal(choice.forPage({ modelId: 'model', turn: someone })?.url, 'quick')
  })
})
