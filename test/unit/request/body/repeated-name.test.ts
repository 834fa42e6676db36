import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { repeatedName } from '../../../../gateway/request/body/repeated-name.ts'

const find = (json: string) => repeatedName(Buffer.from(json))

describe('a name that stands twice in one object', () => {
  for (const [json, name] of [
    ['{"a":1,"a":2}', 'a'],
    ['{"a" \n:1,"a"\t: 2}', 'a'],
    ['[{"b":{"a":1,"c":[],"a":{}}}]', 'a'],
    ['{"a":{"b":1},"a":{"c":1}}', 'a'],
    [String.raw`{"image_url":1,"image\u005furl":2}`, 'image_url'],
    [String.raw`{"\"":1,"\"":2}`, '"'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"":1,"":2}', ''],
    ['{"1":1,"1":2}', '1'],
    ['{"é":1,"\\u00e9":2}', 'é'],
  ] as const) {
    it(`is found: ${json}`, async () => assert.equal(await find(json), name))
  }

  for (const json of [
    '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    String.raw`{"a":"\"a\":1,\"a\":2","b":"\\"}`,
    '["a","a",{"a":"a"}]',
    '{"a":"a: ","b":":","__proto__":1}',
    '"a"',
    '7',
    'null',
    '{}',
  ]) {
    it(`is not made up: ${json}`, async () => assert.equal(await find(json), null))
  }

  it('is looked for however deep the value is', async () => {
    const deep = (inner: string) => `${'{"a":'.repeat(5000)}${inner}${'}'.repeat(5000)}`
    assert.equal(await find(deep('{"b":1,"b":2}')), 'b')
    assert.equal(await find(deep('{"b":1}')), null)
  })
})
