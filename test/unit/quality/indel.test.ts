import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { partialRatio, pointsOf, ratio } from '../../quality/score/indel.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const close = (one: number, other: number) => assert.ok(Math.abs(one - other) < 1e-9, `${one} is not ${other}`)

/** The longest common subsequence, the plain way. */
function common(one: readonly string[], other: readonly string[]): number {
  const rows = Array.from({ length: one.length + 1 }, () => Array.from(other, () => 0).concat(0))
  one.forEach((a, i) =>
    other.forEach((b, j) => {
      rows[i + 1]![j + 1] = a === b ? rows[i]![j]! + 1 : Math.max(rows[i]![j + 1]!, rows[i + 1]![j]!)
    }),
  )
  return rows.at(-1)!.at(-1)!
}

const slowRatio = (one: readonly string[], other: readonly string[]) =>
  (2 * common(one, other)) / (one.length + other.length)

/** Every stretch of the longer text that is as long as the shorter, and every shorter beginning and end. */
function slowPartialRatio(short: string, long: string): number {
  const [one, other] = [Array.from(short), Array.from(long)]
  let best = 0
  for (let start = 1 - one.length; start < other.length; start++) {
    const stretch = other.slice(Math.max(0, start), start + one.length)
    best = Math.max(best, slowRatio(one, stretch))
  }
  return best
}

describe('how alike two texts are', () => {
  // Values of rapidfuzz 3.
  for (const [one, other, expected] of [
    ['this is a test', 'this is a test!', 28 / 29],
    ['', '', 1],
    ['abc', '', 0],
    ['kitten', 'sitting', 8 / 13],
    ['𝒜b', '𝒜', 2 / 3],
  ] as const)
    it(`is ${expected.toFixed(3)} for "${one}" and "${other}"`, () => close(ratio(one, other), expected))

  it('is what the plain way finds, for texts that take many words of bits', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 60; round++) {
      const text = (length: number) => Array.from({ length }, () => 'abcdé世'[random.integer(0, 5)]!).join('')
      const [one, other] = [text(random.integer(1, 150)), text(random.integer(1, 150))]
      close(ratio(one, other), slowRatio(Array.from(one), Array.from(other)))
    }
  })
})

describe('the stretch that is most alike', () => {
  it('is found wherever it stands', () => {
    const text = `${'x '.repeat(400)}the quick brown fix jumps${' y'.repeat(400)}`
    const { ratio: found, start, end } = partialRatio('quick brown fox', text)
    close(found, 28 / 30)
    assert.equal(text.slice(start, end), 'quick brown fix')
  })

  it('is found by looking at few stretches of many', () => {
    const text = 'lorem ipsum dolor sit amet '.repeat(8000)
    const startedAt = performance.now()
    assert.ok(partialRatio('a text that is not there at all, but as long as a sentence is', text).ratio < 0.8)
    assert.ok(performance.now() - startedAt < 5000)
  })

  it('is as good as any, at both ends too', () => {
    const random = seededRandom(11)
    for (let round = 0; round < 80; round++) {
      const text = (length: number) => Array.from({ length }, () => 'abc '[random.integer(0, 3)]!).join('')
      const short = text(random.integer(1, 40))
      const long = text(random.integer(pointsOf(short).length + 1, 90))
      close(partialRatio(short, long).ratio, slowPartialRatio(short, long))
    }
  })

  it('is in code points', () => {
    const { start, end } = partialRatio('b', '𝒜𝒜b')
    assert.deepEqual([start, end], [2, 3])
    assert.equal(pointsOf('𝒜b').length, 2)
  })
})
