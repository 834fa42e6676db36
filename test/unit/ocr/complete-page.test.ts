import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { completed } from '../../../gateway/ocr/complete-page.ts'
import type { CutFigures } from '../../../gateway/ocr/figures.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import { createLog } from '../../../gateway/telemetry/log.ts'
import { makeRequest } from '../../support/make-request.ts'
import { pageToRead } from '../../support/page-prompt.ts'

const result: PageResult = { ...unread('vllm'), status: 'ok', text: 'Minutes', error: null }
/** Ends when it is aborted, as a drawing that waits for others does. */
const cutFigures: CutFigures = (_page, _result, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
const log = createLog({ level: 'silent', format: 'json' })

describe('a page whose pictures are not cut out yet', () => {
  it('has its text without them, when nobody waits for more', async () => {
    const hurrying = new AbortController()
    const services = { log, cutFigures, hurry: hurrying.signal }
    const waiting = completed(pageToRead(), result, makeRequest(), services, new AbortController().signal)
    hurrying.abort(new DOMException('late', 'TimeoutError'))
    assert.deepEqual(await waiting, result)
  })

  it('is aborted with its request', async () => {
    const leaving = new AbortController()
    const services = { log, cutFigures, hurry: new AbortController().signal }
    const waiting = completed(pageToRead(), result, makeRequest(), services, leaving.signal)
    leaving.abort(new DOMException('left', 'AbortError'))
    await assert.rejects(waiting, { message: 'left' })
  })
})
