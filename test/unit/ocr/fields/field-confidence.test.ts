import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSurePieceRecorder } from '../../../../gateway/engine/sure-pieces.ts'
import { confidencesOf, movedPieces } from '../../../../gateway/ocr/fields/field-confidence.ts'
import { readObject } from '../../../../gateway/ocr/fields/read-object.ts'

/** What is known of the values of an answer that came in these tokens. */
function confidences(tokens: readonly (readonly [text: string, share: number])[], clean?: string) {
  const recorder = createSurePieceRecorder()
  for (const [text, share] of tokens) recorder.add(text, [Math.log(share)], [text.length])
  const raw = tokens.map(([text]) => text).join('')
  const text = clean ?? raw
  const found = confidencesOf(movedPieces(recorder.read(), raw, text), readObject(text)?.spans ?? new Map())
  return Object.fromEntries(Object.entries(found).map(([name, share]) => [name, Math.round(share * 100) / 100]))
}

describe('how sure a model was of a value', () => {
  it('is how sure it was of its least sure token, and not of those around it', () => {
    const tokens = [['{"', 0.1], ['a": ', 0.2], ['"1', 0.9], ['2', 0.5], ['3"', 0.99], [', "b": ', 0.3], ['7', 0.8], ['}', 0.1]] as const // prettier-ignore
    assert.deepEqual(confidences(tokens), { '/a': 0.5, '/b': 0.8 })
  })

  it('is found in an answer whose fence was taken off', () => {
    const tokens = [
      ['```json\n', 0.1],
      ['{"a": ', 0.2],
      ['"x"', 0.9],
      ['}', 0.9],
      ['\n```', 0.1],
    ] as const
    assert.deepEqual(confidences(tokens, '{"a": "x"}'), { '/a': 0.9 })
    assert.deepEqual(confidences(tokens, '{"a": "y"}'), {})
  })

  it('counts a letter that came in halves once', () => {
    const recorder = createSurePieceRecorder()
    recorder.add('{"a": "', [0], [7])
    recorder.add('', [Math.log(0.5)], [1])
    recorder.add('𠮷', [0], [2])
    recorder.add('"}', [0], [2])
    const [[, share] = []] = Object.entries(confidencesOf(recorder.read(), readObject('{"a": "𠮷"}')!.spans))
    assert.ok(Math.abs((share ?? 0) - 0.5) < 0.001)
  })

  it('tells tokens apart that came together', () => {
    const recorder = createSurePieceRecorder()
    recorder.add('{"a": 1, "b": 2 }', [0, Math.log(0.5), 0, Math.log(0.25), 0], [6, 1, 7, 1, 2])
    const found = confidencesOf(recorder.read(), readObject('{"a": 1, "b": 2 }')!.spans)
    assert.deepEqual(Object.values(found).map((share) => share.toFixed(2)), ['0.50', '0.25']) // prettier-ignore
  })

  it('is not known where the engine did not say, and of answers that are too long', () => {
    const recorder = createSurePieceRecorder()
    recorder.add('{"a": 1}', [NaN], [8])
    assert.equal(recorder.read(), null)
    const long = createSurePieceRecorder()
    for (let index = 0; index < 20_000; index += 1) long.add('x', [0], [1])
    assert.equal(long.read(), null)
    assert.deepEqual(confidencesOf(null, new Map([['/a', [0, 1]]])), {})
    assert.deepEqual(
      confidences([
        ['{"a": 1', NaN],
        ['}', 0.5],
      ]),
      {},
    )
  })
})
