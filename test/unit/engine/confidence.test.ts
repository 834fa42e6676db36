import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createConfidenceMeter, joinConfidences } from '../../../gateway/engine/confidence.ts'

function read(probabilities: readonly number[]) {
  const meter = createConfidenceMeter()
  for (const probability of probabilities) meter.add(Math.log(probability))
  const confidence = meter.read()
  assert.ok(confidence !== null)
  return confidence
}

const tokens = (count: number, probability: number) => Array.from({ length: count }, () => probability)
const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`)

describe('the confidence of a page', () => {
  it('is null when nothing was added', () => assert.equal(createConfidenceMeter().read(), null))

  it('is the geometric mean of its tokens, and of all of them where they are few', () => {
    const { mean, lowest } = read([0.5, 0.5, 1, 1])
    near(mean, Math.SQRT1_2)
    near(lowest, Math.SQRT1_2)
  })

  it('finds the worst 32 tokens in a row, wherever they begin', () => {
    const { mean, lowest } = read([...tokens(50, 1), ...tokens(32, 0.5), ...tokens(50, 1)])
    near(lowest, 0.5)
    near(mean, 0.5 ** (32 / 132))
  })

  it('finds a bad end, and does not carry a bad beginning along', () => {
    near(read([...tokens(100, 0.9), ...tokens(32, 0.3)]).lowest, 0.3)
    near(read([...tokens(32, 0.3), ...tokens(10_000, 0.9)]).lowest, 0.3)
  })

  it('is never lower than its lowest', () => {
    const { mean, lowest } = read([0.01, ...tokens(31, 1), 0.01])
    assert.ok(lowest <= mean)
  })

  it('survives a token of probability zero', () => {
    const meter = createConfidenceMeter()
    for (const logprob of [...tokens(999, 0), -9999, NaN]) meter.add(logprob)
    assert.ok(meter.read()!.mean > 0.98)
  })
})

describe('the confidence of a page in parts', () => {
  it('weighs the parts, and has the lowest of all', () => {
    const confidence = joinConfidences([
      { confidence: { mean: 1, lowest: 0.9 }, weight: 300 },
      { confidence: { mean: 0.5, lowest: 0.2 }, weight: 100 },
      { confidence: null, weight: 50 },
    ])
    near(confidence!.mean, 0.5 ** 0.25)
    assert.equal(confidence!.lowest, 0.2)
  })

  it('is null where no part has one', () => {
    assert.equal(joinConfidences([{ confidence: null, weight: 1 }]), null)
    assert.equal(joinConfidences([]), null)
  })
})
