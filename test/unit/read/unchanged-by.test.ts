import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { pageAnswer, unread } from '../../../gateway/read/page-answer.ts'
import { unchangedBy } from '../../../gateway/read/unchanged-by.ts'

const full = {
  ...unread('vllm'),
  text: 'a text',
  finishReason: 'stop',
  width: 1000,
  height: 1400,
  dpi: 144,
  rasterizer: 'pdfium',
  warnings: [{ code: 'image_small', message: 'Scan it larger.' }],
  attempts: 2,
  reasons: ['loop'],
  agreement: 0.5,
  confidence: { mean: 0.9, lowest: 0 },
  surePieces: [[4, -0.25]],
  blocks: [{ start: 0, end: 6, box: [1, 2, 3, 4], confidence: null }],
  isEasy: true,
}

/** What may stand in the place of any value. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  '',
  'stop',
  'hit',
  -1,
  -0,
  0.5,
  1.5,
  1e300,
  Infinity,
  NaN,
  [],
  [[]],
  [{}],
  [1, 2, 3, 4],
  [1, 2, 3, 4, 5],
  {},
  { mean: 1 },
  { code: 'x', message: 'y' },
]

/** Every value that differs from this one in one place. */
function* changed(value: unknown): Generator {
  yield* ODD
  if (typeof value !== 'object' || value === null) return
  const isArray = Array.isArray(value)
  for (const [name, member] of Object.entries(value)) {
    for (const other of changed(member)) {
      yield isArray ? value.with(Number(name), other) : { ...value, [name]: other }
    }
  }
  if (isArray) yield [...(value as unknown[]), value[0]]
  else {
    yield { ...value, unknown: 1 }
    for (const name of Object.keys(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
    }
  }
}

describe('what a schema would return as it is', () => {
  it('is true of page answers', () => {
    const isUnchanged = unchangedBy(pageAnswer)
    for (const answer of [unread('tesseract'), full]) assert.ok(isUnchanged(JSON.parse(JSON.stringify(answer))))
  })

  it('is never true of a value that the schema refuses, or returns otherwise', () => {
    const schema = z.union([
      z.object({ v: z.literal(7), imageKey: z.string() }),
      pageAnswer.extend({ blocks: pageAnswer.shape.blocks.default(null) }),
    ])
    const isUnchanged = unchangedBy(schema)
    let count = 0
    let unchanged = 0
    for (const start of [full, { v: 7, imageKey: 'a' }]) {
      for (const value of changed(start)) {
        count += 1
        if (!isUnchanged(value)) continue
        unchanged += 1
        assert.deepEqual(schema.parse(value), value)
      }
    }
    assert.ok(count > 500 && unchanged > 20, `${count}, ${unchanged}`)
  })

  it('cannot be said by a schema of another kind', () => {
    assert.throws(() => unchangedBy(z.date()), /no test for date/)
    assert.throws(() => unchangedBy(z.string().min(1)), /no test for checks of a string/)
    assert.throws(() => unchangedBy(z.number().multipleOf(2)), /no test for multiple_of/)
  })
})
