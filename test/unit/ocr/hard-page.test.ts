import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, type ErrorCode } from '../../../gateway/errors.ts'
import { isBetter, isHard, repairedBy } from '../../../gateway/ocr/hard-page.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { createAgreementLevel } from '../../../gateway/read/evidence/agreement-level.ts'
import { unread } from '../../../gateway/read/page-answer.ts'

const result = (parts: Partial<PageResult> = {}): PageResult => ({
  ...unread('vllm'),
  text: 'Text',
  attempts: 1,
  status: 'ok',
  cache: 'miss',
  error: null,
  ...parts,
})
const failed = (code: ErrorCode, parts: Partial<PageResult> = {}) =>
  result({ status: 'failed', error: new GatewayError(code, 'It failed.'), ...parts })
const disagrees = { warnings: [{ code: 'text_disagrees', message: 'It says something else.' }] } as const

describe('a hard page', () => {
  const rows: { name: string; page: PageResult; isHard: boolean }[] = [
    { name: 'one that was read', page: result({ agreement: 0.95 }), isHard: false },
    { name: 'one without ink', page: result({ status: 'blank' }), isHard: false },
    { name: 'one that the engine failed at', page: failed('engine_error'), isHard: true },
    { name: 'one whose engine is away', page: failed('engine_unavailable'), isHard: true },
    { name: 'one whose engine took too long', page: failed('engine_timeout'), isHard: true },
    { name: 'one that cannot be drawn', page: failed('page_too_large'), isHard: false },
    { name: 'one that took too long to draw', page: failed('page_timeout'), isHard: false },
    { name: 'one whose text layer stands for it', page: result({ status: 'fallback' }), isHard: true },
    { name: 'one whose text layer says something else', page: result(disagrees), isHard: true },
    { name: 'one that holds half of its text layer', page: result({ agreement: 0.5 }), isHard: true },
  ]
  for (const { name, page, isHard: expected } of rows)
    it(`is ${expected ? '' : 'not '}${name}`, () => {
      assert.equal(isHard(page, createAgreementLevel()), expected)
    })
})

describe('the better reading of a hard page', () => {
  it('is one that counts, where there was none', () => {
    assert.equal(isBetter(result(), failed('engine_error')), true)
    assert.equal(isBetter(result({ status: 'repaired' }), result({ status: 'fallback' })), true)
  })

  it('is none that failed too, or is a text layer again', () => {
    assert.equal(isBetter(failed('engine_error'), failed('engine_error')), false)
    assert.equal(isBetter(result({ status: 'fallback' }), failed('engine_error')), false)
    assert.equal(isBetter(result({ status: 'blank' }), failed('engine_error')), false)
  })

  it('holds more of the text layer', () => {
    assert.equal(isBetter(result({ agreement: 0.6 }), result({ agreement: 0.5 })), true)
    assert.equal(isBetter(result({ agreement: 0.5 }), result({ agreement: 0.5 })), false)
    assert.equal(isBetter(result(), result({ agreement: 0.5 })), false)
  })

  it('has the attempts of both, and why those of the first do not count', () => {
    const own = failed('engine_error', { attempts: 3, reasons: ['loop', 'loop', 'cut_off'] })
    const { status, attempts, reasons } = repairedBy(result({ attempts: 2, reasons: ['empty'] }), own)
    assert.deepEqual([status, attempts, reasons], ['repaired', 5, ['loop', 'loop', 'cut_off', 'empty']])
    assert.deepEqual(repairedBy(result(), result({ agreement: 0.3 })).reasons, ['low_agreement'])
    assert.deepEqual(repairedBy(result(), failed('engine_unavailable')).reasons, ['engine_unavailable'])
  })
})
