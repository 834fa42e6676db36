import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GivenBack, type Engine } from '../../../../gateway/engine/engine.ts'
import { PageFailure } from '../../../../gateway/read/guard/page-failure.ts'
import { createGuard } from '../../../../gateway/read/guard/guard.ts'
import { GatewayError } from '../../../../gateway/errors.ts'
import { within } from '../../../support/within.ts'
import { pageToRead } from '../../../support/page-prompt.ts'
import { createScriptedEngine, goodEnd, pageImage } from '../scripted-engine.ts'

const DEADLINE = 2000

function setUp() {
  const scripted = createScriptedEngine()
  const guard = createGuard(scripted.engine, { totalTimeoutSeconds: 60, backoffMilliseconds: () => 1 })
  const signal = new AbortController().signal
  const ask = () => within(guard(pageToRead(), pageImage, signal), DEADLINE, 'the page')
  return { scripted, ask }
}

describe('the guard of one page', () => {
  it('ends the work of an attempt before the next begins', async () => {
    const { scripted, ask } = setUp()
    const answer = ask()
    const first = await scripted.nextCall()
    let hasEnded = false
    void first.ended.then(() => (hasEnded = true))
    first.say('again and again and again, '.repeat(200))
    const second = await scripted.nextCall()
    assert.equal(hasEnded, true)
    assert.equal(second.signal.aborted, false)
    second.say('# Title', goodEnd())
    const { text, attempts, reasons } = await answer
    assert.equal(text, '# Title')
    assert.deepEqual([attempts, reasons], [2, ['loop']])
  })

  it('takes a loop for one though the engine has ended it in the same breath', async () => {
    let asked = 0
    const burst: Engine = async (_, __, onDelta) => {
      asked++
      onDelta(asked === 1 ? 'again and again and again, '.repeat(200) : '# Title')
      return goodEnd()
    }
    const guard = createGuard(burst, { totalTimeoutSeconds: 60 })
    const { text, reasons } = await guard(pageToRead(), pageImage, AbortSignal.timeout(DEADLINE))
    assert.deepEqual([text, reasons], ['# Title', ['loop']])
  })

  it('tells each attempt its number, its sampling, and the upstreams that were asked', async () => {
    const { scripted, ask } = setUp()
    const answer = ask()
    const first = await scripted.nextCall()
    assert.deepEqual([first.prompt.attempt.number, first.prompt.attempt.sampling], [1, {}])
    first.prompt.attempt.tried.add('http://one/v1')
    first.fail(new GatewayError('engine_unavailable', 'It is full.'))
    const second = await scripted.nextCall()
    assert.deepEqual(second.prompt.attempt, { number: 2, sampling: {}, tried: new Set(['http://one/v1']) })
    second.say(goodEnd())
    const third = await scripted.nextCall()
    assert.deepEqual(third.prompt.attempt.sampling, { temperature: 0.4 })
    third.say('# Title', goodEnd())
    assert.deepEqual((await answer).reasons, ['engine_unavailable', 'empty'])
  })

  it('asks again for a page that is given back: from its beginning, and that is no attempt', async () => {
    const { scripted, ask } = setUp()
    const answer = ask()
    const first = await scripted.nextCall()
    first.say('# Half of ')
    first.fail(new GivenBack('too many'))
    const second = await scripted.nextCall()
    assert.deepEqual(second.prompt.attempt, { number: 1, sampling: {}, tried: new Set(), timesGivenBack: 1 })
    second.say('# Title', goodEnd())
    const { text, attempts, reasons } = await answer
    assert.deepEqual([text, attempts, reasons], ['# Title', 1, []])
  })

  it('treats an answer that breaks off as an engine failure', async () => {
    const { scripted, ask } = setUp()
    const failed = assert.rejects(ask(), (error) => {
      assert.ok(error instanceof PageFailure)
      assert.deepEqual(error.reasons, ['engine_error', 'engine_error', 'engine_error'])
      return true
    })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const call = await scripted.nextCall()
      call.say('# Ti')
      call.fail(new GatewayError('engine_error', 'It broke off.'))
    }
    await failed
  })

  for (const error of [new TypeError('a mistake'), new GatewayError('draining', 'The gateway is stopping.')]) {
    it(`throws at once what another attempt could not repair: ${error.message}`, async () => {
      const { scripted, ask } = setUp()
      const failed = assert.rejects(ask(), (thrown) => thrown === error)
      const call = await scripted.nextCall()
      call.fail(error)
      await failed
      assert.equal(scripted.calls.length, 1)
    })
  }

  it('returns the longest text when no answer counts, from any attempt', async () => {
    const { scripted, ask } = setUp()
    const answer = ask()
    for (const text of ['# T', '# Title and more', '# Tit']) {
      const call = await scripted.nextCall()
      call.say(text, goodEnd({ finishReason: 'length' }))
    }
    const { text, finishReason, attempts } = await answer
    assert.equal(text, '# Title and more')
    assert.deepEqual([finishReason, attempts], ['length', 3])
  })
})
