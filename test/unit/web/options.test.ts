import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { completeOptions } from '../../../gateway/request/options.ts'
import { parsePageRange } from '../../../gateway/page/page-range.ts'
import { fieldsOf, type Field } from '../../../gateway/web/app/options/fields.ts'
import type { JsonSchema } from '../../../gateway/web/app/options/json-schema.ts'
import {
  isSame,
  readJson,
  readList,
  readNumber,
  readText,
  withMember,
} from '../../../gateway/web/app/options/read-value.ts'
import { chatOcrOptions } from '../../../gateway/wire/openai/ocr-options.ts'

const schemaOf = (type: z.ZodType): JsonSchema => z.toJSONSchema(type, { io: 'input' }) as JsonSchema
const options = fieldsOf(schemaOf(chatOcrOptions), ['preview'])

/** "name: kind", and that of its parts. */
const outline = (field: Field): string => {
  const parts = field.kind === 'group' ? field.fields : field.kind === 'either' ? field.forms : []
  return `${field.name}: ${field.kind}${parts.length > 0 ? ` (${parts.map(outline).join(', ')})` : ''}`
}

describe('the fields of the options', () => {
  it('are one for each of them, but those that are hidden', () => {
    assert.deepEqual(options.map(outline), [
      'pages: text',
      'task: text',
      'fields: either (fields: list, fields: json)',
      'min_confidence: either (min_confidence: choice, min_confidence: number)',
      'output: choice',
      'chunks: group (max_tokens: number)',
      'page_separator: lines',
      'on_page_error: choice',
      'on_deadline: choice',
      'cache: choice',
      'confidence: switch',
      'dry_run: switch',
      'tables: choice',
      'figures: choice',
      'join: either (join: choice, join: group (paragraphs: switch, tables: switch))',
      'headers: choice',
      'footers: choice',
      'fallback_model: text',
      'verify: either (verify: choice, verify: text)',
      'password: secret',
      'documents: choice',
      'prepare: group (rotate: switch, deskew: switch, binarize: switch, tile: choice, resolution: choice)',
    ])
  })

  it('have words for each of them', () => {
    const all = options.flatMap((field) => (field.kind === 'group' ? [field, ...field.fields] : [field]))
    assert.deepEqual(
      all.filter(({ help, label }) => !/\w.*\.$/.test(help) || !/^[A-Z]/.test(label)).map(({ name }) => name),
      [],
    )
    assert.equal(options.find(({ name }) => name === 'on_page_error')?.label, 'On page error')
  })

  it('name the defaults that the gateway has', () => {
    const names = {
      task: '',
      fields: '',
      output: '',
      chunks: '',
      pageSeparator: '',
      documents: '',
      figures: '',
      answerFormat: '',
      minConfidence: '',
    }
    const defaults = completeOptions({}, names)
    const presets = Object.fromEntries(options.map(({ name, preset }) => [name, preset]))
    assert.equal(presets['output'], defaults.output)
    assert.equal(presets['page_separator'], defaults.pageSeparator)
    assert.equal(presets['on_page_error'], defaults.onPageError)
    assert.equal(presets['on_deadline'], defaults.onDeadline)
    assert.equal(presets['cache'], defaults.cache)
    assert.equal(presets['confidence'], defaults.confidence)
    assert.equal(presets['dry_run'], defaults.dryRun)
    assert.equal(presets['documents'], defaults.documents)
    assert.deepEqual(defaults.preparation, {})
  })

  it('take every range of pages that the gateway takes', () => {
    const pages = options.find(({ name }) => name === 'pages')
    assert.ok(pages?.kind === 'text')
    for (const range of ['1', '1-3,7,10-', ' 2 , 5 - 6 ,9 -', '007', '1-3 ', '123456789-']) {
      parsePageRange(range)
      assert.deepEqual(readText(range, pages.schema), { value: range })
    }
    for (const range of ['one', '1,,2', '-3', '1-2-3', ',', '1;2']) {
      assert.throws(() => parsePageRange(range), range)
      assert.deepEqual(readText(range, pages.schema), { problem: 'Write it as in 1-3,7,10-.' })
    }
  })
})

describe('fields of other schemas', () => {
  const rows: readonly [name: string, type: z.ZodType, outline: string][] = [
    ['a number', z.number().min(0).max(1).optional(), 'x: number'],
    [
      'a boolean or an object',
      z.union([z.boolean(), z.strictObject({ a: z.int() })]),
      'x: either (x: choice, x: group (a: number))',
    ],
    ['some of a few', z.array(z.enum(['a', 'b'])), 'x: several'],
    ['literals', z.union([z.literal('a'), z.literal(2)]), 'x: choice'],
    ['null or a text', z.string().nullable(), 'x: text'],
    ['numbers', z.array(z.number()), 'x: json'],
    ['anything', z.unknown(), 'x: json'],
  ]
  for (const [name, type, expected] of rows) {
    it(`are there for ${name}`, () =>
      assert.deepEqual(fieldsOf(schemaOf(z.object({ x: type }))).map(outline), [expected]))
  }

  it('follow references, and end where one leads to itself', () => {
    const schema: JsonSchema = {
      properties: { a: { $ref: '#/$defs/a' }, b: { $ref: '#/$defs/b' } },
      $defs: { a: { type: 'boolean', default: true }, b: { $ref: '#/$defs/b' } },
    }
    assert.deepEqual(fieldsOf(schema).map(outline), ['a: switch', 'b: json'])
  })
})

describe('what is written into a field', () => {
  const nothing = { value: undefined }
  const rows: readonly [name: string, read: unknown, expected: unknown][] = [
    ['no number', readNumber(' ', {}), nothing],
    ['a number with a comma', readNumber('0,5', {}), { value: 0.5 }],
    ['a word', readNumber('five', {}), { problem: 'Give a number.' }],
    ['half of a whole', readNumber('1.5', { type: 'integer' }), { problem: 'Give a whole number.' }],
    ['too little', readNumber('0', { exclusiveMinimum: 0 }), { problem: 'Give more than 0.' }],
    ['too much', readNumber('9', { maximum: 8 }), { problem: 'Give at most 8.' }],
    ['between the steps', readNumber('7', { multipleOf: 2 }), { problem: 'Give a multiple of 2.' }],
    ['no text', readText('', { minLength: 1 }), nothing],
    ['a long text', readText('abc', { maxLength: 2 }), { problem: 'Give at most 2 characters; this has 3.' }],
    ['lines', readList(' a \n\nb', {}), { value: ['a', 'b'] }],
    ['the same line', readList('a\na', { uniqueItems: true }), { problem: 'Give each only once.' }],
    ['an array', readJson('[1]', { type: 'object' }), { problem: 'Give an object: { … }.' }],
    ['an object', readJson('{"a": 1}', { type: 'object' }), { value: { a: 1 } }],
  ]
  for (const [name, read, expected] of rows) it(`is read: ${name}`, () => assert.deepEqual(read, expected))

  it('is no JSON, and says so', () => assert.match(JSON.stringify(readJson('{', {})), /This is no JSON: /))

  it('is left out where it says what holds anyway', () => {
    assert.deepEqual(withMember({ a: 1 }, { name: 'b', preset: 'x' }, 'x'), { a: 1 })
    assert.deepEqual(withMember({ a: 1, b: 'y' }, { name: 'b', preset: 'x' }, undefined), { a: 1 })
    assert.deepEqual(withMember({ a: 1 }, { name: 'b', preset: undefined }, {}), { a: 1 })
    assert.deepEqual(withMember({ a: 1 }, { name: 'b', preset: true }, false), { a: 1, b: false })
    assert.ok(isSame({ a: [1, { b: null }] }, { a: [1, { b: null }] }))
    assert.ok(!isSame([], {}))
  })
})
