import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withMembers } from '../../../../gateway/request/body/json-members.ts'
import { createJsonScan } from '../../../../gateway/request/body/json-scan.ts'

const NO_LIMITS = {
  levels: Infinity,
  containers: Infinity,
  strings: Infinity,
  values: Infinity,
  outlineBytes: Infinity,
}
const long = 'x"\\'.repeat(3000)

async function changed(json: string, members: Readonly<Record<string, unknown>>): Promise<string> {
  const bytes = Buffer.from(json)
  const scan = createJsonScan(NO_LIMITS)
  scan.advance(bytes, bytes.length)
  return (await withMembers({ bytes, longStrings: scan.longStrings }, members)).toString()
}

describe('an object with other members', () => {
  for (const { name, json, written } of [
    { name: 'the first', json: '{"model":"default","n":1}', written: '{"model":"m","n":1}' },
    { name: 'the last', json: '{"n":1, "model" : "default" }', written: '{"n":1, "model" :"m"}' },
    { name: 'one that is missing', json: ' {"n":1}', written: ' {"model":"m","n":1}' },
    {
      name: 'one whose name is escaped',
      json: String.raw`{"a":1,"\u006dodel":"default"}`,
      written: String.raw`{"a":1,"\u006dodel":"m"}`,
    },
    {
      name: 'none of an inner object',
      json: '{"a":{"model":"x"},"b":[{"model":"y"}],"c":"model","model":{"model":"z"}}',
      written: '{"a":{"model":"x"},"b":[{"model":"y"}],"c":"model","model":"m"}',
    },
    {
      name: 'one behind long strings, and numbers stay as they are',
      json: `{"a":${JSON.stringify(long)},"seed":12345678901234567890,"b":["${'y'.repeat(9000)}"],"model":"default"}`,
      written: `{"a":${JSON.stringify(long)},"seed":12345678901234567890,"b":["${'y'.repeat(9000)}"],"model":"m"}`,
    },
  ]) {
    it(`changes ${name}`, async () => assert.equal(await changed(json, { model: 'm' }), written))
  }

  it('changes several, and adds others', async () => {
    const json = '{"max_tokens":9,"messages":[],"model":"default"}'
    const written = await changed(json, { max_tokens: 5, max_completion_tokens: 5, model: 'm"' })
    assert.equal(written, String.raw`{"max_completion_tokens":5,"max_tokens":5,"messages":[],"model":"m\""}`)
  })
})
