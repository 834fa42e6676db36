import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EngineOutage } from '../../../../gateway/upstream/outage.ts'
import { PageFailure } from '../../../../gateway/read/guard/page-failure.ts'
import { createGuard } from '../../../../gateway/read/guard/guard.ts'
import type { AttemptReport, GuardOptions } from '../../../../gateway/read/guard/guard.ts'
import { GatewayError } from '../../../../gateway/errors.ts'
import { createAttemptBudget } from '../../../../gateway/read/attempt-budget.ts'
import { within } from '../../../support/within.ts'
import { pageToRead } from '../../../support/page-prompt.ts'
import { createScriptedEngine, goodEnd, pageImage } from '../scripted-engine.ts'
import type { ScriptedCall } from '../scripted-engine.ts'

const DEADLINE = 2000

function setUp({ spare = 0, ...options }: Partial<Omit<GuardOptions, 'spare'>> & { spare?: number } = {}) {
  const scripted = createScriptedEngine()
  const reports: AttemptReport[] = []
  const guard = createGuard(scripted.engine, {
    totalTimeoutSeconds: 60,
    backoffMilliseconds: () => 1,
    spare: () => spare,
    onAttempt: (report) => reports.push(report),
    ...options,
  })
  const client = new AbortController()
  const ask = (page: Parameters<typeof pageToRead>[0] = {}) =>
    within(guard(pageToRead(page), pageImage, client.signal), DEADLINE, 'the page')
  return { scripted, ask, reports, client, outcomes: () => reports.map(({ reason }) => reason) }
}

/** An answer that was cut off, and so does not count. */
const cutOff = (call: ScriptedCall) => call.say('# Ti', goodEnd({ finishReason: 'length' }))
const unavailable = (call: ScriptedCall) => call.fail(new GatewayError('engine_unavailable', 'It is full.'))
const temperature = ({ prompt }: ScriptedCall) => prompt.attempt.sampling.temperature

/** A budget that says how much was taken of it. */
function countedBudget(left: number) {
  const budget = { asked: 0, take: () => ++budget.asked <= left }
  return budget
}

describe('the rungs that are left of a ladder', () => {
  it('are tried side by side when engines are idle: the first good answer counts, and the other is aborted', async () => {
    const { scripted, ask, outcomes } = setUp({ spare: 2 })
    const answer = ask()
    cutOff(await scripted.nextCall())
    const [warm, warmer] = [await scripted.nextCall(), await scripted.nextCall()]
    assert.deepEqual([temperature(warm), temperature(warmer)], [0.4, 0.7])
    assert.deepEqual([warm.prompt.attempt.number, warmer.prompt.attempt.number], [2, 3])
    warmer.say('# Title', goodEnd())
    const { text, attempts, reasons } = await answer
    assert.deepEqual([text, attempts, reasons], ['# Title', 2, ['cut_off']])
    assert.equal(warm.signal.aborted, true)
    await within(warm.ended, DEADLINE, 'the other attempt')
    assert.deepEqual(outcomes(), ['cut_off', null], 'one that was ended has no outcome')
    assert.equal(scripted.calls.length, 3)
  })

  it('are waited for when the first answer does not count', async () => {
    const { scripted, ask } = setUp({ spare: 2 })
    const answer = ask()
    cutOff(await scripted.nextCall())
    const [warm, warmer] = [await scripted.nextCall(), await scripted.nextCall()]
    cutOff(warmer)
    await within(warmer.ended, DEADLINE, 'the bad answer')
    assert.equal(warm.signal.aborted, false)
    warm.say('# Title', goodEnd())
    assert.deepEqual((await answer).reasons, ['cut_off', 'cut_off'])
  })

  it('give the longest text when none counts', async () => {
    const { scripted, ask } = setUp({ spare: 2 })
    const answer = ask()
    cutOff(await scripted.nextCall())
    const [warm, warmer] = [await scripted.nextCall(), await scripted.nextCall()]
    warm.say('# Title and more', goodEnd({ finishReason: 'length' }))
    cutOff(warmer)
    const { text, finishReason, attempts } = await answer
    assert.deepEqual([text, finishReason, attempts], ['# Title and more', 'length', 3])
  })

  it('are tried one after the other when engines have room for only one', async () => {
    const { scripted, ask } = setUp({ spare: 1 })
    const answer = ask()
    cutOff(await scripted.nextCall())
    const second = await scripted.nextCall()
    cutOff(second)
    const third = await scripted.nextCall()
    assert.equal(second.signal.aborted, false)
    assert.equal(scripted.calls.length, 3)
    third.say('# Title', goodEnd())
    assert.equal((await answer).attempts, 3)
  })

  it('are not tried side by side after an engine failure', async () => {
    const { scripted, ask } = setUp({ spare: 8 })
    const answer = ask()
    const first = await scripted.nextCall()
    first.fail(new GatewayError('engine_error', 'It broke.'))
    const second = await scripted.nextCall()
    second.say('# Title', goodEnd())
    await answer
    assert.equal(scripted.calls.length, 2)
  })

  it('are all aborted with the request', async () => {
    const { scripted, ask, client } = setUp({ spare: 2 })
    const answer = ask()
    cutOff(await scripted.nextCall())
    const calls = [await scripted.nextCall(), await scripted.nextCall()]
    client.abort(new Error('the client left'))
    await assert.rejects(answer, /the client left/)
    await within(Promise.all(calls.map(({ ended }) => ended)), DEADLINE, 'both attempts')
  })
})

describe('the budget of a request', () => {
  it('ends a page that was not read when it is spent', async () => {
    const { scripted, ask } = setUp()
    const attemptBudget = countedBudget(1)
    const answer = ask({ attemptBudget })
    cutOff(await scripted.nextCall())
    cutOff(await scripted.nextCall())
    const { attempts, finishReason } = await answer
    assert.deepEqual([attempts, finishReason], [2, 'length'])
    assert.deepEqual([scripted.calls.length, attemptBudget.asked], [2, 2])
  })

  it('limits how many attempts run side by side', async () => {
    const { scripted, ask } = setUp({ spare: 8 })
    const answer = ask({ attemptBudget: countedBudget(1) })
    cutOff(await scripted.nextCall())
    cutOff(await scripted.nextCall())
    assert.equal((await answer).attempts, 2)
    assert.equal(scripted.calls.length, 2)
  })

  it('is not spent on a page that no engine took', async () => {
    const { scripted, ask } = setUp()
    const attemptBudget = countedBudget(0)
    const answer = ask({ attemptBudget })
    unavailable(await scripted.nextCall())
    unavailable(await scripted.nextCall())
    const third = await scripted.nextCall()
    third.say('# Title', goodEnd())
    assert.equal((await answer).attempts, 3)
    assert.equal(attemptBudget.asked, 0)
  })

  it('is one for each page, and sixteen', () => {
    const budget = createAttemptBudget(10)
    const taken = Array.from({ length: 30 }, () => budget.take()).filter(Boolean)
    assert.equal(taken.length, 26)
  })
})

describe('an engine that does not take a page', () => {
  it('uses up no rung of the ladder', async () => {
    const { scripted, ask } = setUp()
    const answer = ask()
    for (let time = 0; time < 4; time++) unavailable(await scripted.nextCall())
    for (const expected of [undefined, 0.4, 0.7]) {
      const call = await scripted.nextCall()
      assert.equal(temperature(call), expected)
      cutOff(call)
    }
    assert.equal((await answer).attempts, 7)
  })

  it('is asked six times', async () => {
    const { scripted, ask } = setUp()
    const failed = assert.rejects(ask(), (error) => {
      assert.ok(error instanceof PageFailure)
      assert.deepEqual([error.code, error.reasons], ['engine_unavailable', Array(6).fill('engine_unavailable')])
      return true
    })
    for (let time = 0; time < 6; time++) unavailable(await scripted.nextCall())
    await failed
    assert.equal(scripted.calls.length, 6)
  })

  it('is not asked again when no upstream serves the model any more', async () => {
    const { scripted, ask } = setUp()
    const outage = new EngineOutage('some-ocr')
    const failed = assert.rejects(ask(), (error) => error === outage)
    const call = await scripted.nextCall()
    call.fail(outage)
    await failed
    assert.equal(scripted.calls.length, 1)
  })
})
