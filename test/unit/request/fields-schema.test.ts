import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkSchema, describeShape, resolveNode } from '../../../gateway/request/fields-schema.ts'

const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, {}]))
const deep = (levels: number): object => (levels === 0 ? {} : { items: deep(levels - 1) })

describe('the bounds of a schema', () => {
  const refused: readonly { name: string; schema: object; says: RegExp }[] = [
    { name: 'too many properties', schema: { properties: named(1001) }, says: /1000 properties/ },
    { name: 'too many in several parts', schema: { $defs: { a: { properties: named(600) } }, properties: named(600) }, says: /1000 properties/ }, // prettier-ignore
    { name: 'too deep', schema: deep(70), says: /64 levels/ },
    { name: 'too large', schema: { properties: { a: { enum: ['x'.repeat(300_000)] } } }, says: /256 KB/ },
    { name: 'a list that is too long', schema: { properties: { a: { enum: Array.from({ length: 1e6 }, () => 0) } } }, says: /256 KB/ }, // prettier-ignore
    {
      name: 'another schema',
      schema: { properties: { a: { $ref: 'file:///etc/passwd' } } },
      says: /nothing is fetched/,
    },
    { name: 'a pattern that is none', schema: { properties: { a: { pattern: '[' } } }, says: /regular expression/ },
    { name: 'a long pattern', schema: { properties: { a: { pattern: 'x'.repeat(1001) } } }, says: /1000 characters/ },
  ]
  for (const { name, schema, says } of refused) {
    it(`refuse ${name}`, () =>
      assert.throws(() => checkSchema(schema as Readonly<Record<string, unknown>>, 'ocr.fields'), {
        code: 'invalid_value',
        param: 'ocr.fields',
        message: says,
      }))
  }

  it('let pass what only looks like that', () => {
    checkSchema({ properties: { $ref: { type: 'string' }, pattern: { const: '[' }, ...named(998) } }, 'x')
    checkSchema({ properties: { a: { enum: ['https://a'], default: { $ref: 'https://b', pattern: '[' } } } }, 'x')
  })
})

describe('a part of a schema', () => {
  it('is what its reference names, and its only branch that is not null', () => {
    const schema = { $defs: { 'a/b': { type: 'string' }, c: { anyOf: [{ $ref: '#/$defs/a~1b' }, { type: 'null' }] } } }
    assert.deepEqual(resolveNode(schema, { $ref: '#/$defs/c', title: 'T' }), { type: 'string', title: 'T' })
    const several = { oneOf: [{ type: 'string' }, { type: 'number' }] }
    assert.deepEqual(resolveNode(schema, several), several)
    assert.deepEqual(resolveNode({ $ref: '#' }, { $ref: '#' }), {})
    assert.deepEqual(resolveNode(schema, { $ref: '#/$defs/%E0%A4%A' }), {})
  })

  it('is described as far as it goes, and not without end', () => {
    const line = { type: 'object', properties: { what: {}, tax: { properties: { rate: {} } } } }
    const schema = { properties: { lines: { items: line }, name: {} } }
    assert.equal(
      describeShape(schema),
      '"lines" is a list of objects with the keys ["what","tax"]. "lines.tax" is an object with the keys ["rate"].',
    )
    const started = performance.now()
    const own = { properties: Object.fromEntries(Object.keys(named(900)).map((name) => [name, { $ref: '#' }])) }
    assert.equal(describeShape(own), '')
    assert.ok(performance.now() - started < 500)
  })
})
