import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readObject } from '../../../../gateway/ocr/fields/read-object.ts'
import { seededRandom, type SeededRandom } from '../../../support/seeded-random.ts'

const repairs = [
  { name: 'text around it', text: 'Here it is: {"a": 1} I hope that helps.', object: { a: 1 }, isCut: false },
  { name: 'a fence', text: '```json\n{"a": [1, 2]}\n```', object: { a: [1, 2] }, isCut: false },
  { name: 'braces in front of it', text: 'Fields {a} are {"a": "x}"}', object: { a: 'x}' }, isCut: false },
  { name: 'a comma behind the last member', text: '{"a": [1, 2,], "b": {"c": 1,},}', object: { a: [1, 2], b: { c: 1 } }, isCut: false }, // prettier-ignore
  { name: 'Python’s words', text: '{"a": None, "b": True}', object: { a: null, b: true }, isCut: false },
  { name: 'a line break in a string', text: '{"a": "x\ny"}', object: { a: 'x\ny' }, isCut: false },
  { name: 'backslashes that stand for themselves', text: String.raw`{"a": "\alpha \n"}`, object: { a: '\\alpha \n' }, isCut: false }, // prettier-ignore
  { name: 'several objects', text: '[{"a": 1}, {"a": 2, "b": 3}]', object: { a: 1, b: 3 }, isCut: false },
  { name: 'an end within a string', text: '{"a": "x", "b": "y', object: { a: 'x' }, isCut: true },
  { name: 'an end within a number, which may have had more digits', text: '{"a": 1, "b": 12', object: { a: 1 }, isCut: true }, // prettier-ignore
  { name: 'an end within a name', text: '{"a": 1, "b', object: { a: 1 }, isCut: true },
  { name: 'an end within a list', text: '{"a": 1, "b": [1, 2, 3', object: { a: 1, b: [1, 2] }, isCut: true },
  { name: 'an end within a row', text: '{"b": [{"c": 1}, {"c": ', object: { b: [{ c: 1 }] }, isCut: true },
  { name: 'an end within a fence', text: '```json\n{"a": 1,\n"b": "', object: { a: 1 }, isCut: true },
  { name: 'something that is no JSON', text: '{"a": 1, "b": <x>, "c": 2}', object: { a: 1 }, isCut: true },
  { name: 'a number with zeros in front', text: '{"a": 1, "b": 007}', object: { a: 1 }, isCut: true },
]

describe('reading the object of an answer', () => {
  it('is what JSON.parse does, where the answer is JSON', () => {
    const text = ' {"a": "x\\u00e9\\"", "b": [1, -2.5e3, true, null, {"c": {}}], "__proto__": 1, "a": 2}\n'
    const found = readObject(text)
    assert.equal(JSON.stringify(found?.object), JSON.stringify(JSON.parse(text)))
    assert.deepEqual([found?.isCut, found?.isRepaired, found?.cutIn], [false, false, null])
  })

  for (const { name, text, object, isCut } of repairs) {
    it(`repairs ${name}, and says so`, () => {
      const found = readObject(text)
      assert.deepEqual(found?.object, object)
      assert.deepEqual([found?.isCut, found?.isRepaired], [isCut, true])
    })
  }

  for (const text of ['', 'none', '[7]', '{', '{"a": ', '{a: 1}', '{"a"}', '{{{{', '"{"', '{"a": {"b": [']) {
    it(`finds none in ${JSON.stringify(text)}`, () => assert.equal(readObject(text), null))
  }

  it('names the value that has lost its end, and no value that is whole', () => {
    assert.equal(readObject('{"a": [1], "b": [2, ')?.cutIn, 'b')
    assert.equal(readObject('{"a": [1], "b": 2, "c": "')?.cutIn, null)
    assert.equal(readObject('{"a": [1], "b": [')?.cutIn, null)
  })

  it('knows where values stand', () => {
    const text = '{"a": "x", "b/c": [12, {"d~": null}]}'
    const spans = readObject(text)?.spans ?? new Map<string, never>()
    const texts = [...spans].map(([pointer, [start, end]]) => [pointer, text.slice(start, end)])
    assert.deepEqual(texts, [
      ['/a', '"x"'],
      ['/b~1c/0', '12'],
      ['/b~1c/1/d~0', 'null'],
    ])
  })

  it('makes nothing up: whatever is cut off at the end', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const object = someObject(seededRandom(seed), 0)
      const text = JSON.stringify(object, null, seed % 3)
      assert.deepEqual(readObject(text)?.object, object)
      for (let length = 0; length < text.length; length += 1) {
        const found = readObject(text.slice(0, length))
        if (found === null) continue
        assert.ok(found.isCut, `seed ${seed}, ${length} characters`)
        assertWithin(found.object, object, `seed ${seed}, ${length} characters`)
      }
    }
  })

  it('takes no time for what is long, deep, or full of braces', () => {
    const started = performance.now()
    for (const text of [
      '{'.repeat(5e5),
      '{"a":'.repeat(1e5),
      '['.repeat(5e5),
      `{"a": "${'x'.repeat(4e5)}`,
      '{}'.repeat(2e5),
      `{"a": [${'1,'.repeat(2e5)}`,
      ' '.repeat(1e7),
    ])
      // prettier-ignore
      readObject(text)
    assert.ok(performance.now() - started < 3000)
  })
})

/** Every value of what was read is one of the original's, in its place. */
function assertWithin(found: unknown, original: unknown, message: string): void {
  if (Array.isArray(found)) {
    assert.ok(Array.isArray(original) && found.length <= original.length, message)
    for (const [index, item] of found.entries()) assertWithin(item, original[index], message)
  } else if (typeof found === 'object' && found !== null) {
    for (const [name, value] of Object.entries(found)) {
      assert.ok(Object.hasOwn(original as object, name), message)
      assertWithin(value, (original as Readonly<Record<string, unknown>>)[name], message)
    }
  } else assert.equal(found, original, message)
}

const STRINGS = ['', 'x', 'a "b"', '\\', '{', '}', '[1]', 'é\n', '12', ', "n": 1', '4711'] as const

function someValue(random: SeededRandom, depth: number): unknown {
  const kind = random.integer(0, depth > 2 ? 4 : 7)
  if (kind === 0) return random.integer(-1000, 1000)
  if (kind === 1) return random.integer(0, 10_000) / 64
  if (kind === 2) return random.pick([true, false, null])
  if (kind <= 4) return random.pick(STRINGS)
  if (kind === 5) return Array.from({ length: random.integer(0, 3) }, () => someValue(random, depth + 1))
  return someObject(random, depth + 1)
}

function someObject(random: SeededRandom, depth: number): Record<string, unknown> {
  const names = random.shuffle(['a', 'b', 'c/d', 'e~', 'f "g"']).slice(0, random.integer(depth === 0 ? 1 : 0, 4))
  return Object.fromEntries(names.map((name) => [name, someValue(random, depth)]))
}
