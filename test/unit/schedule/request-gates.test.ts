import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { createRequestGates } from '../../../gateway/schedule/request-gates.ts'
import { createSharedTurn } from '../../../gateway/schedule/turn.ts'
import { someone } from '../../support/turn.ts'

const live = new AbortController().signal

describe('the gates of requests', () => {
  it('let in so many pages of each', async () => {
    const gates = createRequestGates(1)
    const release = await gates.enter(someone, live)
    await gates.enter({ ...someone, request: 'another' }, live)
    let entered = false
    const second = gates.enter(someone, live).then(() => (entered = true))
    await setImmediate()
    assert.equal(entered, false)
    release()
    await second
  })

  it('let a page that was inside before go before the others of its request', async () => {
    const gates = createRequestGates(1)
    const release = await gates.enter(someone, live)
    const order: string[] = []
    const enter = async (name: string, isAgain: boolean) => {
      const leave = await gates.enter(someone, live, isAgain)
      order.push(name)
      leave()
    }
    const all = [enter('next', false), enter('last', false), enter('again', true)]
    release()
    await Promise.all(all)
    assert.deepEqual(order, ['again', 'next', 'last'])
  })

  it('let a page pass that another request has joined, which is counted with that one', async () => {
    const gates = createRequestGates(1)
    const batch = { ...someone, lane: 'batch' as const, request: 'batch' }
    const shared = createSharedTurn(batch)
    shared.join(batch)
    await gates.enter(batch, live)
    const second = gates.enter(shared.turn, live)
    await setImmediate()
    shared.join({ ...someone, request: 'chat' })
    const release = await second
    let entered = false
    const third = gates.enter({ ...someone, request: 'chat' }, live).then(() => (entered = true))
    await setImmediate()
    assert.equal(entered, false)
    release()
    await third
  })

  it('are not waited for by who has left, whoever has joined', async () => {
    const gates = createRequestGates(1)
    const shared = createSharedTurn(someone)
    await gates.enter(someone, live)
    const client = new AbortController()
    const waiting = gates.enter(shared.turn, client.signal)
    await setImmediate()
    client.abort(new Error('gone'))
    shared.join({ ...someone, request: 'another' })
    await assert.rejects(waiting, /gone/)
  })

  it('are not forgotten for a release that comes twice', async () => {
    const gates = createRequestGates(1)
    const release = await gates.enter(someone, live)
    release()
    await gates.enter(someone, live)
    release()
    let entered = false
    void gates.enter(someone, live).then(() => (entered = true))
    await setImmediate()
    assert.equal(entered, false)
  })
})
