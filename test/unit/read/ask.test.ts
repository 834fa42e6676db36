import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSingleAsk } from '../../../gateway/read/ask.ts'
import { pageToRead } from '../../support/page-prompt.ts'
import { within } from '../../support/within.ts'
import { createScriptedEngine, goodEnd, pageImage } from './scripted-engine.ts'

const live = new AbortController().signal

describe('an engine that is asked once', () => {
  it('has its answer taken as it is, an empty one too', async () => {
    const { engine, nextCall } = createScriptedEngine()
    const asked = createSingleAsk(engine, 60)(pageToRead(), pageImage, live)
    const call = await nextCall()
    call.say(goodEnd())
    const { text, finishReason, attempts, width } = await within(asked, 2000, 'the answer')
    assert.deepEqual([text, finishReason, attempts, width], ['', 'stop', 1, pageImage.width])
  })

  it('is ended when the time of the page is up', async () => {
    const { engine, nextCall } = createScriptedEngine()
    const asked = createSingleAsk(engine, 0.05)(pageToRead(), pageImage, live)
    const failed = assert.rejects(within(asked, 2000, 'the failure'), {
      code: 'engine_timeout',
      message: /within 0.05 seconds.*GATEWAY_PAGE_TIMEOUT_SECONDS/,
    })
    const call = await nextCall()
    await failed
    assert.equal(call.signal.aborted, true)
  })
})
