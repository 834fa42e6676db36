import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createApp } from '../../gateway/app.ts'
import { operations, type OpenApiDocument } from '../../gateway/http/openapi/document.ts'
import { version } from '../../gateway/wiring/version.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

interface Example {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly value: object
}

const examples: readonly Example[] = operations.flatMap(({ method, path, body }) =>
  Object.values(body?.content ?? {})
    .flatMap((content) => Object.entries(content.examples ?? {}))
    .map(([name, { value }]) => ({ name, method: method.toUpperCase(), path, value: value as object })),
)

describe('GET /openapi.json', () => {
  let gateway: TestGateway
  let document: OpenApiDocument & { readonly info: { readonly version: string }; readonly servers: unknown }

  before(async () => {
    gateway = await startTestGateway()
    document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as typeof document
  })
  after(() => gateway.stop())

  it('is a description of this version, at the address it was asked at', () => {
    assert.equal(document.openapi, '3.1.1')
    assert.equal(document.info.version, version)
    assert.deepEqual(document.servers, [{ url: '/', description: 'This gateway.' }])
  })

  it('has every route of the gateway, and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const routes = createApp(gateway.services)
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}`)
    assert.ok(described.length > 40)
    assert.deepEqual(described.toSorted(), [...new Set(routes)].toSorted())
  })

  it('has the schemas that others rely on', () => {
    const schemas = document.components['schemas'] ?? {}
    for (const name of ['OcrOptions', 'OcrObject', 'LedgerLine', 'Error']) assert.ok(Object.hasOwn(schemas, name), name)
  })

  it('holds no reference that leads nowhere', () => {
    const text = JSON.stringify(document)
    const references = new Set([...text.matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)].map(([, kind = '', name = '']) => `${kind} ${name}`)) // prettier-ignore
    assert.ok(references.size > 40)
    assert.deepEqual(
      [...references].filter((reference) => {
        const [kind = '', name = ''] = reference.split(' ')
        return document.components[kind]?.[name] === undefined
      }),
      [],
    )
    assert.equal(text.split('"$ref"').length, text.split('"$ref":"#/components/').length)
  })

  it('is not sent again to a client that has it', async () => {
    const { headers } = await fetch(`${gateway.url}/openapi.json`, { method: 'HEAD' })
    const again = await fetch(`${gateway.url}/openapi.json`, {
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    })
    assert.equal(again.status, 304)
  })

  it('has examples for what reads documents', () => {
    assert.ok(examples.length >= 10)
  })

  for (const { name, method, path, value } of examples)
    it(`has examples that run: ${method} ${path}, ${name}`, async () => {
      const body = 'input_file_id' in value ? { ...value, input_file_id: await batchFile(gateway) } : value
      const response = await fetch(gateway.url + path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const text = await response.text()
      assert.equal(response.status, 200, text)
      if (name === 'image') assert.match(text, /Invoice 1024/)
    })
})

describe('the answers that nobody else asks for', () => {
  it('are as they are described: the status of a gateway that keeps files', async () => {
    await using gateway = await startTestGateway()
    await batchFile(gateway)
    const { files } = (await (await fetch(`${gateway.url}/status`)).json()) as { files: { files: number } | null }
    assert.equal(files?.files, 1)
  })
})

async function batchFile({ client }: TestGateway): Promise<string> {
  const body = examples.find(({ path }) => path === '/v1/chat/completions')?.value
  const line = JSON.stringify({ custom_id: '1', method: 'POST', url: '/v1/chat/completions', body })
  return (await client.files.create({ file: new File([`${line}\n`], 'lines.jsonl'), purpose: 'batch' })).id
}

describe('GET /openapi.json of a gateway with keys', () => {
  it('needs none, and neither does its page', async () => {
    await using gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key-of-a' })
    assert.equal((await fetch(`${gateway.url}/openapi.json`)).status, 200)
    assert.equal((await fetch(`${gateway.url}/docs`)).status, 200)
    assert.equal((await fetch(`${gateway.url}/v1/models`)).status, 401)
  })
})
