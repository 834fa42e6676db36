import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { decodeSample, encodeSample, parseSamplesKey, SampleProblem } from '../../../gateway/samples/sample-file.ts'
import type { Sample } from '../../../gateway/samples/sample.ts'
import { makeNewSample } from '../../support/make-sample-page.ts'

const key = randomBytes(32)

function makeSample(): Sample {
  const { facts, images } = makeNewSample({ text: 'Müller & Söhne: 漢字' })
  return { facts: { id: 'a', at: '2026-11-28T21:30:00.000Z', ...facts }, images }
}

const problem = (says: RegExp) => (error: unknown) => error instanceof SampleProblem && says.test(error.message)

describe('the file of a sample', () => {
  for (const [name, secret] of [
    ['plain', null],
    ['encrypted', key],
  ] as const)
    it(`is read as it was written: ${name}`, () => {
      const sample = makeSample()
      const { facts, images } = decodeSample(encodeSample(sample, secret), secret)
      assert.deepEqual(facts, sample.facts)
      assert.deepEqual(
        images.map((image) => Buffer.from(image)),
        sample.images.map((image) => Buffer.from(image)),
      )
    })

  it('shows nothing of its page when it is encrypted, and never looks the same twice', () => {
    const sample = makeSample()
    const [first, second] = [encodeSample(sample, key), encodeSample(sample, key)]
    assert.equal(first.includes('漢字'), false)
    assert.equal(first.includes(Buffer.alloc(50, 7)), false)
    assert.notDeepEqual(first, second)
  })

  const plain = encodeSample(makeSample(), null)
  const secret = encodeSample(makeSample(), key)
  const rows: readonly { name: string; bytes: Buffer; key: Buffer | null; says: RegExp }[] = [
    { name: 'nothing', bytes: Buffer.alloc(0), key: null, says: /no sample/ },
    { name: 'something else', bytes: Buffer.from('%PDF-1.7 and so on'), key: null, says: /no sample/ },
    { name: 'encrypted, without a key', bytes: secret, key: null, says: /give its key/ },
    { name: 'encrypted with another key', bytes: secret, key: randomBytes(32), says: /another key/ },
    { name: 'encrypted, of which one bit has changed', bytes: flipped(secret, 60), key, says: /damaged/ },
    { name: 'encrypted, and said to be plain', bytes: flipped(secret, 8), key, says: /cut off|damaged/ },
    { name: 'encrypted, cut off', bytes: secret.subarray(0, 30), key, says: /cut off/ },
    { name: 'plain, cut off in its image', bytes: plain.subarray(0, -1), key: null, says: /cut off/ },
    { name: 'plain, cut off in its facts', bytes: plain.subarray(0, 40), key: null, says: /cut off/ },
    { name: 'plain, with facts that are none', bytes: flipped(plain, 13), key: null, says: /damaged/ },
  ]
  for (const { name, bytes, key: given, says } of rows)
    it(`is refused: ${name}`, () => {
      assert.throws(() => decodeSample(bytes, given), problem(says))
    })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}

describe('the key of samples', () => {
  it('is 32 bytes in base64, with a line break or without', () => {
    const text = key.toString('base64')
    assert.deepEqual(parseSamplesKey(text), key)
    assert.deepEqual(parseSamplesKey(`${text}\n`), key)
    for (const wrong of ['', 'secret', randomBytes(16).toString('base64'), key.toString('hex'), `${text}AAAA`])
      assert.equal(parseSamplesKey(wrong), null, wrong)
  })
})
