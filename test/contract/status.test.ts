import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { statusSnapshot, type StatusSnapshot } from '../../gateway/wire/status.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const SECRETS = {
  admin: 'secret-admin-key',
  team: 'secret-team-key',
  upstreamUser: 'secret-user',
  upstreamPassword: 'secret-upstream-password',
  upstreamKey: 'secret-upstream-key',
  metrics: 'secret-metrics-key',
  webhook: `whsec_${Buffer.from('secret-of-the-webhooks-of-the-test').toString('base64')}`,
  webhookPath: 'secret-path',
  salt: 'secret-salt',
  fileName: 'secret-name.pdf',
  text: 'secret text of a page',
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

async function ask(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers })
  const text = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? await firstEvent(response)
    : await response.text()
  return { status: response.status, headers: response.headers, text }
}

/** Reads until there is an event, and leaves. */
async function firstEvent(response: Response): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('data: ')) text += (await reader.read()).value ?? ''
  await reader.cancel()
  return text
}

const read = (text: string): StatusSnapshot => statusSnapshot.strict().parse(JSON.parse(text))

describe('the status of a gateway with keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'status-'))
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    writeFileSync(
      join(folder, 'keys.json'),
      JSON.stringify([
        { name: 'boss', key: SECRETS.admin, admin: true },
        { name: 'team', key: SECRETS.team },
      ]),
    )
    fake = await startFakeVllm({ apiKey: SECRETS.upstreamKey, answer: () => SECRETS.text })
    const address = new URL(fake.url)
    address.username = SECRETS.upstreamUser
    address.password = SECRETS.upstreamPassword
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: `${address.href},http://${SECRETS.upstreamUser}:${SECRETS.upstreamPassword}@127.0.0.1:1/v1`,
      GATEWAY_UPSTREAM_API_KEY: SECRETS.upstreamKey,
      GATEWAY_KEYS_FILE: join(folder, 'keys.json'),
      GATEWAY_METRICS_KEY: SECRETS.metrics,
      GATEWAY_WEBHOOK_URL: `https://hooks.example/${SECRETS.webhookPath}`,
      GATEWAY_WEBHOOK_SECRET: SECRETS.webhook,
      GATEWAY_CACHE_SALT: SECRETS.salt,
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is shown to admins alone, once or as events; its page, which holds nothing, to all', async () => {
    const rows: readonly (readonly [string, Record<string, string>, number])[] = [
      ['no key', {}, 401],
      ['a key that is none', bearer('secret-of-nobody'), 401],
      ['the key of the metrics', bearer(SECRETS.metrics), 401],
      ['a key of no admin', bearer(SECRETS.team), 403],
      ['an admin', bearer(SECRETS.admin), 200],
    ]
    for (const [name, headers, status] of rows) {
      for (const path of ['/status', '/status/events']) {
        const answer = await ask(`${gateway.url}${path}`, headers)
        assert.equal(answer.status, status, `${name}, ${path}`)
        if (status === 403) assert.match(answer.text, /team is no admin.*"admin\\": true/)
        assert.equal(/"object":"status"/.test(answer.text), status === 200, `${name}, ${path}`)
      }
    }
    const page = await ask(`${gateway.url}/status`, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(page.headers.get('vary') ?? '', /accept(?:,|$)/)
    assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'(;|$)/)
    assert.doesNotMatch(page.text, /127\.0\.0\.1|team|boss/)
  })

  it('says what was read, for whom, and what went wrong, and none of the secrets', async () => {
    const team = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: SECRETS.team, maxRetries: 0 })
    const chat = (bytes: Uint8Array) => {
      const part = { ...filePart(bytes) } as { type: 'file'; file: { filename: string; file_data: string } }
      part.file.filename = SECRETS.fileName
      const content = [part]
      return team.chat.completions.create({ model: 'default', messages: [{ role: 'user', content }] })
    }
    await chat(makePdf([{ number: 1 }, { number: 2 }]))
    await chat(makePdf([{ number: 1 }, { number: 2 }]))
    await assert.rejects(chat(Buffer.from('%PDF-1.7 nothing')), { code: 'document_unreadable' })
    const { text, headers } = await ask(`${gateway.url}/status`, bearer(SECRETS.admin))
    assert.equal(headers.get('cache-control'), 'no-store')
    const { pages, cache, failures, upstreams, gateway: own } = read(text)
    const counts = Object.values(pages.by_minute).map((minutes) => minutes.reduce((sum, count) => sum + count, 0))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      4,
    )
    assert.deepEqual([cache.lookups, cache.hits, cache.place, own.state], [4, 2, 'memory', 'ready'])
    const [failure] = failures.recent
    assert.deepEqual(
      [failure?.code, failure?.route, failure?.key, failure?.times],
      ['document_unreadable', '/v1/chat/completions', 'team', 1],
    )
    assert.match(failure?.request_id ?? '', /^req_/)
    assert.deepEqual(failures.by_code, [{ code: 'document_unreadable', times: 1 }])
    const [up, down] = upstreams
    assert.deepEqual([up?.problem, up?.version, up?.limit_from], [null, '0.32.0', 'searching'])
    assert.match(down?.problem ?? '', /refused the connection/)
    assert.ok((up?.pages_last_minute ?? 0) >= 2 && (up?.seconds_per_page ?? 0) > 0)
    const events = await ask(`${gateway.url}/status/events`, bearer(SECRETS.admin))
    const secrets = Object.entries(SECRETS).filter(([, secret]) => `${text}${events.text}`.includes(secret))
    assert.deepEqual(secrets, [])
  })
})

describe('the status of a gateway without keys', () => {
  it('is shown to whom it answers, and asks for the key of the metrics where there is one', async () => {
    await using open = await startTestGateway()
    const answer = await ask(`${open.url}/status`)
    assert.equal(answer.status, 200)
    assert.deepEqual([read(answer.text).upstreams, read(answer.text).queue.owners], [[], []])
    const foreign = { origin: 'https://evil.example' }
    assert.equal((await ask(`${open.url}/status`, foreign)).status, 403)
    await using keyed = await startTestGateway({ GATEWAY_METRICS_KEY: 'the-key' })
    for (const path of ['/status', '/status/events']) {
      assert.equal((await ask(`${keyed.url}${path}`)).status, 401)
      assert.equal((await ask(`${keyed.url}${path}`, bearer('the-key'))).status, 200)
    }
  })

  it('is on the port of the metrics alone, where there is one, with its page', async () => {
    await using gateway = await startTestGateway({ GATEWAY_METRICS_PORT: '0' })
    const { url, insideUrl } = gateway
    for (const path of ['/status', '/status/events']) {
      assert.equal((await ask(`${url}${path}`)).status, 404)
      assert.equal((await ask(`${insideUrl}${path}`)).status, 200)
    }
    assert.equal((await ask(`${insideUrl}/status`, { origin: 'https://evil.example' })).status, 403)
    assert.equal((await ask(`${insideUrl}/assets/favicon.svg`)).status, 200)
    assert.equal((await ask(`${insideUrl}/`)).status, 404)
  })
})
