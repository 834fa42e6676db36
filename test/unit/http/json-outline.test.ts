import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonOutline } from '../../../gateway/http/json-outline.ts'

const outline = (json: string): string => jsonOutline(Buffer.from(json)).toString()
const long = 'x'.repeat(5000)

describe('the outline of a JSON text', () => {
  const rows = [
    { name: 'keeps short strings', value: { model: 'm', messages: [{ content: 'Hi "there" \\', n: 1.5, x: null }] } },
    {
      name: 'leaves out the content of long strings',
      value: { a: long, b: [long, 'kept'], [long]: 1 },
      outlined: { a: '…', b: ['…', 'kept'], '…': 1 },
    },
    {
      name: 'is not misled by escaped quotes and backslashes',
      value: { a: `${long}"`, b: `"${long}\\`, c: `\\"${long}\\\\"`, d: '\\', e: '"' },
      outlined: { a: '…', b: '…', c: '…', d: '\\', e: '"' },
    },
    {
      name: 'keeps characters of every alphabet',
      value: { a: 'Ünïcode 文字 🙂', b: '文'.repeat(3000) },
      outlined: { a: 'Ünïcode 文字 🙂', b: '…' },
    },
    { name: 'is the text itself where there are very many strings', value: Array(20_000).fill('x').concat(long) },
  ]
  for (const { name, value, outlined = value } of rows) {
    it(name, () => assert.deepEqual(JSON.parse(outline(JSON.stringify(value))), outlined))
  }

  it('is invalid JSON where the text is', () => {
    for (const json of [`{"a":"${long}`, `{"a":"${long}"`, `{"a":"${long}",}`, `{"a" "${long}"}`, '"', '']) {
      assert.throws(() => JSON.parse(outline(json)), SyntaxError)
    }
  })
})
