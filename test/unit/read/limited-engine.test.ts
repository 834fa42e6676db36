import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitedEngine } from '../../../gateway/read/limited-engine.ts'
import { createSlots } from '../../../gateway/schedule/slots.ts'
import type { Slots } from '../../../gateway/schedule/slots.ts'
import { someone } from '../../support/turn.ts'
import { collect, createScriptedEngine, endDelta, pagePrompt } from './scripted-engine.ts'

const live = new AbortController().signal

const limits = (slots: Slots) => ({ slotsFor: () => slots })

describe('limited engine', () => {
  it('draws no page before it has a slot, and gives the slot back at the end', async () => {
    const slots = createSlots(() => 1)
    const scripted = createScriptedEngine()
    const engine = limitedEngine(scripted.engine, limits(slots))
    const first = collect(engine(pagePrompt('a'), live))
    const second = collect(engine(pagePrompt('b'), live))
    const callA = await scripted.nextCall()
    assert.equal(scripted.calls.length, 1)
    callA.say('A', endDelta())
    await first
    const callB = await scripted.nextCall()
    callB.say('B', endDelta())
    assert.equal((await second).text, 'B')
    assert.deepEqual([slots.active, slots.waiting], [0, 0])
  })

  it('gives the slot back when the engine fails', async () => {
    const slots = createSlots(() => 1)
    const scripted = createScriptedEngine()
    const answer = collect(limitedEngine(scripted.engine, limits(slots))(pagePrompt('a'), live))
    const call = await scripted.nextCall()
    call.fail(new Error('engine broke'))
    await assert.rejects(answer, /engine broke/)
    assert.equal(slots.active, 0)
  })

  it('gives the slot back when the reader breaks off', async () => {
    const slots = createSlots(() => 1)
    const scripted = createScriptedEngine()
    const deltas = limitedEngine(scripted.engine, limits(slots))(pagePrompt('a'), live)
    void scripted.nextCall().then((call) => call.say('A', 'B'))
    for await (const delta of deltas) {
      assert.equal(delta.type, 'text')
      break
    }
    assert.equal(slots.active, 0)
  })

  it('gives the slot back when a reader that paused is aborted and never returns', async () => {
    const slots = createSlots(() => 1)
    const scripted = createScriptedEngine()
    const client = new AbortController()
    const reader = limitedEngine(scripted.engine, limits(slots))(pagePrompt('a'), client.signal)[Symbol.asyncIterator]()
    void scripted.nextCall().then((call) => call.say('A', 'B'))
    await reader.next()
    assert.equal(slots.active, 1)
    client.abort()
    assert.equal(slots.active, 0)
  })

  it('keeps the slot of an aborted page until the engine has ended its work', async () => {
    const slots = createSlots(() => 1)
    const client = new AbortController()
    const ended = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const engine = limitedEngine(async function* stubborn(_prompt, signal) {
      started.resolve()
      await ended.promise
      signal.throwIfAborted()
      yield { type: 'text', text: 'too late' }
    }, limits(slots))
    const answer = collect(engine(pagePrompt('a'), client.signal))
    await started.promise
    client.abort(new Error('gone'))
    assert.equal(slots.active, 1)
    ended.resolve()
    await assert.rejects(answer, /gone/)
    assert.equal(slots.active, 0)
  })

  it('asks nothing of the engine for a page that was aborted in the queue', async () => {
    const slots = createSlots(() => 1)
    const scripted = createScriptedEngine()
    const release = await slots.acquire(someone, live)
    const client = new AbortController()
    const answer = collect(limitedEngine(scripted.engine, limits(slots))(pagePrompt('a'), client.signal))
    client.abort(new Error('gone'))
    await assert.rejects(answer, /gone/)
    release()
    assert.equal(scripted.calls.length, 0)
    assert.deepEqual([slots.active, slots.waiting], [0, 0])
  })
})
