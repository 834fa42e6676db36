import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createSchemaThread } from '../../../../gateway/ocr/fields/schema-thread.ts'

const { signal } = new AbortController()

describe('the thread of schemas', () => {
  const thread = createSchemaThread(1500)
  after(() => thread.close())
  const problems = async (schema: object, value: unknown) => {
    const answer = await thread.check(schema as Readonly<Record<string, unknown>>, value, signal)
    return answer.kind === 'checked'
      ? answer.problems.map(({ pointer, keyword }) => `${pointer} ${keyword}`)
      : answer.kind
  }

  it('names each member that does not fit, and each that is missing', async () => {
    const schema = { type: 'object', required: ['a/b'], properties: { c: { type: 'number' }, d: { format: 'iban' } } }
    assert.deepEqual(await problems(schema, { c: 'x', d: 'y' }), ['/a~1b required', '/c type', '/d format'])
    assert.deepEqual(await problems(schema, { 'a/b': 1, d: 'DE89370400440532013000' }), [])
  })

  it('lets values pass that may be right, and formats that it does not know', async () => {
    assert.deepEqual(await problems({ format: 'date' }, '03/04/2026'), [])
    assert.deepEqual(await problems({ format: 'hostname' }, '??'), [])
  })

  it('reads draft 7 where a schema says so, and 2020-12 elsewhere', async () => {
    const tuple = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }
    assert.deepEqual(await problems(tuple, [7]), ['/0 type'])
    const today = { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] }
    assert.deepEqual(await problems(today, [7]), ['/0 type'])
  })

  it('keeps schemas of one name apart', async () => {
    assert.deepEqual(await problems({ $id: 'urn:example:a', type: 'string' }, 7), [' type'])
    assert.deepEqual(await problems({ $id: 'urn:example:a', type: 'number' }, 7), [])
    assert.equal(await problems({ $ref: 'urn:example:a' }, 7), 'no schema')
  })

  it('says that a schema is none', async () => {
    assert.equal(await problems({ type: 'nothing' }, null), 'no schema')
    assert.equal(await problems({ $ref: '#/$defs/none' }, null), 'no schema')
  })

  it('takes names and patterns as data, never as code', async () => {
    const name = '"];globalThis.broken=1;//${globalThis.broken=1}`'
    const schema = {
      properties: { [name]: { type: 'string', pattern: '/";globalThis.broken=1;//' } },
      required: [name],
    }
    assert.deepEqual(await problems(schema, { [name]: 7 }), [`/${name.replaceAll('/', '~1')} type`])
    assert.equal('broken' in globalThis, false)
  })

  it('ends what has no end, and goes on with the next one', async () => {
    const doubled = (level: number) => ({
      anyOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }],
    })
    const $defs = Object.fromEntries(Array.from({ length: 32 }, (_, level) => [`l${level}`, level === 31 ? { type: 'string' } : doubled(level)])) // prettier-ignore
    const [first, second] = await Promise.all([
      problems({ $ref: '#/$defs/l0', $defs }, 7),
      problems({ type: 'string' }, 7),
    ])
    assert.deepEqual([first, second], ['late', [' type']])
    const endless = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }
    assert.ok(['late', 'no schema'].includes(String(await problems(endless, 7))))
    const started = performance.now()
    assert.equal(await problems({ $ref: '#/$defs/l0', $defs }, 7), 'late')
    assert.ok(performance.now() - started < 1000, 'it is not tried again for a while')
  })
})
