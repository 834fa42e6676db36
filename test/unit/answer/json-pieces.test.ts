import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonPieces } from '../../../gateway/answer/json-pieces.ts'

const MEBI = 1024 * 1024

describe('an answer in pieces', () => {
  for (const [name, value] of Object.entries({
    'that is empty': {},
    'of everything': { a: [1, null, true, 'é"\n', [], {}, [[]]], b: { c: { d: { e: { f: { g: [{ h: 1 }] } } } } } },
    'with members that are undefined': { a: undefined, b: [{ c: undefined, d: 1 }], e: undefined },
    'with a long text': { page_content: `${'ä"'.repeat(MEBI)}\n`, metadata: { pages: 1 } },
    'with a pair where the text is cut': { text: `${'a'.repeat(MEBI - 1)}😀${'b'.repeat(MEBI)}` },
    'with long texts deep within': { pages: [{ images: [{ image_base64: 'A'.repeat(3 * MEBI) }] }] },
  })) {
    it(`is what it would be as one: ${name}`, () => {
      assert.deepEqual(JSON.parse([...jsonPieces(value)].join('')), JSON.parse(JSON.stringify(value)))
    })
  }

  it('has no piece that takes long to write', () => {
    const page = { markdown: 'x'.repeat(50_000), images: ['A'.repeat(5 * MEBI)] }
    const pages = Array.from({ length: 40 }, () => page)
    const lengths = Array.from(jsonPieces({ pages }), ({ length }) => length)
    assert.ok(Math.max(...lengths) < 3 * MEBI, `${Math.max(...lengths)} characters`)
    assert.ok(lengths.length > 100)
  })
})
