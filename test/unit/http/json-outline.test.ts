import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonOutline } from '../../../gateway/http/json-outline.ts'

const outline = (json: string): string => jsonOutline(Buffer.from(json)).toString()
const long = 'x'.repeat(5000)
const head = `${'x'.repeat(64)}…`

describe('the outline of a JSON text', () => {
  const rows = [
    { name: 'keeps short strings', value: { model: 'm', messages: [{ content: 'Hi "there" \\', n: 1.5, x: null }] } },
    {
      name: 'leaves out the content of long strings',
      value: { a: long, b: [long, 'kept'], [long]: 1 },
      outlined: { a: head, b: [head, 'kept'], [head]: 1 },
    },
    {
      name: 'is not misled by escaped quotes and backslashes',
      value: { a: `${long}"`, b: `"${long}\\`, c: `\\"${long}\\\\"`, d: '\\', e: '"' },
      outlined: { a: head, b: `"${'x'.repeat(62)}…`, c: `\\"${'x'.repeat(60)}…`, d: '\\', e: '"' },
    },
    {
      name: 'keeps characters of every alphabet',
      value: { a: 'Ünïcode 文字 🙂', b: '文'.repeat(3000) },
      outlined: { a: 'Ünïcode 文字 🙂', b: `${'文'.repeat(22)}…` },
    },
    {
      name: 'keeps the beginning of long strings, up to what must not be cut',
      value: { a: `data:image/png;base64,${long}`, b: `http://a\t${long}`, c: `ab文${long}` },
      outlined: {
        a: `data:image/png;base64,${'x'.repeat(42)}…`,
        b: `http://a\t${'x'.repeat(54)}…`,
        c: `ab文${'x'.repeat(59)}…`,
      },
    },
    { name: 'is the text itself where there are very many strings', value: Array(20_000).fill('x').concat(long) },
  ]
  for (const { name, value, outlined = value } of rows) {
    it(name, () => assert.deepEqual(JSON.parse(outline(JSON.stringify(value))), outlined))
  }

  it('keeps the beginning of long strings that are written in escapes', () => {
    const escaped = (text: string) => Array.from(text, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')
    const outlined = outline(`{"a":"${escaped('http://a/')}${escaped('x'.repeat(5000))}"}`)
    assert.deepEqual(JSON.parse(outlined), { a: 'http://a/xx…' })
  })

  it('is invalid JSON where the text is', () => {
    for (const json of [`{"a":"${long}`, `{"a":"${long}"`, `{"a":"${long}",}`, `{"a" "${long}"}`, '"', '']) {
      assert.throws(() => JSON.parse(outline(json)), SyntaxError)
    }
  })
})
