import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startTestGateway } from '../support/start-gateway.ts'

const TIMEOUT = 60_000
const status = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(url, { headers })).status
const ready = async (url: string, headers: Record<string, string> = {}): Promise<readonly string[]> =>
  Object.keys((await (await fetch(`${url}/ready`, { headers })).json()) as object)

describe('addresses that may use a gateway', { timeout: TIMEOUT }, () => {
  it('are those in the list, behind proxies that are believed; everybody else learns that it is up', async () => {
    await using gateway = await startTestGateway({
      GATEWAY_ALLOWED_IPS: '192.0.2.0/24',
      GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8',
    })
    const { url } = gateway
    const listed = { 'x-forwarded-for': '203.0.113.1, 192.0.2.7' }
    const other = { 'x-forwarded-for': '192.0.2.7, 203.0.113.1' }
    for (const path of ['/v1/models', '/metrics', '/nothing']) {
      assert.notEqual(await status(`${url}${path}`, listed), 403, path)
      assert.equal(await status(`${url}${path}`, other), 403, path)
      assert.equal(await status(`${url}${path}`), 403, path)
    }
    assert.equal(await status(`${url}/health`, other), 200)
    assert.deepEqual(await ready(url, other), ['status'])
    assert.deepEqual(await ready(url, listed), ['status', 'engine', 'upstreams'])
  })

  it('say nothing of others where they are no trusted proxy', async () => {
    await using gateway = await startTestGateway({ GATEWAY_ALLOWED_IPS: '192.0.2.0/24' })
    assert.equal(await status(`${gateway.url}/v1/models`, { 'x-forwarded-for': '192.0.2.7' }), 403)
  })
})

describe('how a gateway does', { timeout: TIMEOUT }, () => {
  it('is shown to whom has the key for it', async () => {
    await using gateway = await startTestGateway({ GATEWAY_METRICS_KEY: 'the-key' })
    const { url } = gateway
    const own = { authorization: 'Bearer the-key' }
    assert.deepEqual([await status(`${url}/metrics`), await status(`${url}/metrics`, own)], [401, 200])
    assert.equal(await status(`${url}/metrics`, { authorization: 'Bearer the-kez' }), 401)
    assert.deepEqual(await ready(url), ['status'])
    assert.deepEqual(await ready(url, own), ['status', 'engine', 'upstreams'])
  })

  it('is shown on a port of its own alone, where there is one', async () => {
    await using gateway = await startTestGateway({ GATEWAY_METRICS_PORT: '0' })
    const { url, insideUrl } = gateway
    assert.ok(insideUrl !== null && insideUrl !== url)
    assert.deepEqual([await status(`${url}/metrics`), await status(`${insideUrl}/metrics`)], [404, 200])
    assert.deepEqual(await ready(url), ['status'])
    assert.deepEqual(await ready(insideUrl), ['status', 'engine', 'upstreams'])
    assert.deepEqual([await status(`${insideUrl}/health`), await status(`${insideUrl}/v1/models`)], [200, 404])
    await gateway.stop()
    await assert.rejects(fetch(`${insideUrl}/health`))
  })
})
