import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { readResult, unlessFinished, writeResult, type FinishedPages } from '../../../gateway/ocr/finished-pages.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { unread } from '../../../gateway/read/page-answer.ts'

const number = { page: 3, document: 1, documentPage: 3, label: null }
const good: PageResult = {
  ...unread('vllm'),
  text: 'Zeile – 文字\u2028"',
  finishReason: 'stop',
  usage: { promptTokens: 5, completionTokens: 7 },
  width: 10,
  height: 20,
  dpi: 200,
  confidence: { mean: 0.9, lowest: 0.1 },
  reasons: ['loop'],
  attempts: 2,
  cache: 'off',
  status: 'repaired',
  error: null,
}
const error = new GatewayError('engine_timeout', 'Too long.', { param: 'a', retry: false })

const place = { left: 0, top: 0, right: 1, bottom: 1 }
const figure = { bytes: new Uint8Array(3), mediaType: 'image/png' as const, width: 1, height: 1, place }

describe('a finished page', () => {
  it('is the same when it is read again', () => {
    assert.deepEqual(readResult(writeResult(good)), good)
  })

  it('keeps its error, and whether another try may help', () => {
    const read = readResult(writeResult({ ...good, status: 'failed', error }))
    assert.ok(read?.error instanceof GatewayError)
    const { code, message, param, retry } = read.error
    assert.deepEqual([code, message, param, retry], ['engine_timeout', 'Too long.', 'a', false])
  })

  it('keeps what is known of its values', () => {
    const fields = { isCut: true, cutIn: 'lines', confidences: { '/total': 0.5 }, repaired: ['/iban'] }
    assert.deepEqual(readResult(writeResult({ ...good, fields })), { ...good, fields })
  })

  it('keeps whose text it is, how it came to it, what a second model says, and what all that has cost', () => {
    const usage = { promptTokens: 3, completionTokens: 2 }
    const difference = { kind: 'number' as const, ours: '1,250', theirs: '1,260' }
    const routed: PageResult = {
      ...good,
      warnings: [{ code: 'fallback_not_used', message: 'It is no better.' }],
      model: 'tencent/HunyuanOCR',
      route: 'escalated',
      verify: { model: 'other', agreement: 0.9, differences: [difference], count: 7, error: null, usage },
      otherUsage: usage,
      fields: { isCut: false, cutIn: null, confidences: {}, repaired: [], isDoubtful: true },
      blocks: [{ start: 0, end: 3, box: [0, 1, 2, 3], confidence: 0.5 }],
    }
    assert.deepEqual(readResult(writeResult(routed)), routed)
    const unverified = {
      ...routed,
      verify: { ...routed.verify!, agreement: null, error: 'engine_unavailable' as const },
    }
    assert.deepEqual(readResult(writeResult(unverified)), unverified)
  })

  it('leaves its pictures out', () => {
    assert.deepEqual(readResult(writeResult({ ...good, figures: [figure] })), good)
  })

  it('is no page where it was kept in another shape', () => {
    assert.equal(readResult('{"v":0}'), null)
    assert.equal(readResult(writeResult(good).replace('"v":1', '"v":2')), null)
  })

  it('is read once, and noted before it is handed on', async () => {
    const kept = new Map<number, PageResult>()
    const finished: FinishedPages = {
      has: (page) => kept.has(page),
      find: (page) => kept.get(page) ?? null,
      add: async (page, result) => void kept.set(page, result),
    }
    let reads = 0
    const read = async () => {
      reads += 1
      return { type: 'page-end' as const, page: number, result: good }
    }
    const complete = async (result: PageResult) => ({ ...result, figures: [figure] })
    const first = await unlessFinished(number, finished, read, complete)
    assert.deepEqual(first.result, good)
    assert.deepEqual((await unlessFinished(number, finished, read, complete)).result, { ...good, figures: [figure] })
    assert.deepEqual([reads, kept.get(3)], [1, good])
    await unlessFinished(number, undefined, read, complete)
    assert.equal(reads, 2)
  })
})
