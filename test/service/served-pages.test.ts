import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startBrowser } from '../support/start-browser.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

/** What a page has done that it should not, and where it has been. */
interface Watched {
  readonly page: Page
  readonly violations: string[]
  readonly errors: string[]
  readonly addresses: string[]
}

interface Listening extends Disposable {
  readonly port: number
}

async function listening(answer: RequestListener): Promise<Listening> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A proxy that serves a gateway under a path of its own. */
const startProxy = (gateway: string, path: string): Promise<Listening> =>
  listening((asked, answer) => {
    if (asked.url?.startsWith(path) !== true) return answer.writeHead(404).end()
    const { method, headers } = asked
    const passed = request(gateway + asked.url.slice(path.length - 1), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    return asked.pipe(passed)
  })

describe('the playground in a browser', { timeout: 120_000 }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let browser: Browser
  let context: BrowserContext
  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_API_KEYS: 'someone:right' })
    browser = await startBrowser(['--host-resolver-rules=MAP *.example 127.0.0.1'])
  })
  after(async () => {
    await browser?.close()
    await gateway?.stop()
    await fake?.[Symbol.asyncDispose]()
  })

  async function watch(): Promise<Watched> {
    context = await browser.newContext()
    const page = await context.newPage()
    const watched: Watched = { page, violations: [], errors: [], addresses: [] }
    await page.exposeFunction('noteViolation', (what: string) => watched.violations.push(what))
    await page.addInitScript(
      `addEventListener('securitypolicyviolation', (event) => noteViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))`,
    )
    page.on('request', (asked) => watched.addresses.push(asked.url()))
    page.on('pageerror', (error) => watched.errors.push(String(error)))
    return watched
  }

  const isFilled = (page: Page): Promise<boolean> =>
    page.evaluate<boolean>(`document.querySelector('#root')?.childElementCount > 0`)

  it('fills its page from the gateway alone, within its policy', async () => {
    const { page, violations, errors, addresses } = await watch()
    const answer = await page.goto(`${gateway.url}/`, { waitUntil: 'networkidle' })
    assert.equal(answer?.status(), 200)
    await eventually(() => isFilled(page), 10_000, 'the playground')
    assert.deepEqual([violations, errors], [[], []])
    assert.deepEqual(
      addresses.filter((address) => !address.startsWith(`${gateway.url}/`) && !/^(?:data|blob):/.test(address)),
      [],
    )
    assert.ok(addresses.some((address) => address.includes('/assets/playground.js?v=')))
    await context.close()
  })

  it('runs no script that gets into the page', async () => {
    const { page, violations } = await watch()
    await page.goto(`${gateway.url}/`)
    await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = 'globalThis.canary = 1'
      document.body.append(script)
      const picture = document.createElement('div')
      picture.innerHTML = '<img src="data:," onerror="globalThis.canary = 2">'
      document.body.append(picture)
      const elsewhere = document.createElement('script')
      elsewhere.src = 'http://evil.example/canary.js'
      document.body.append(elsewhere)
    }`)
    await eventually(() => violations.length >= 3, 10_000, 'what the policy forbids')
    assert.equal(await page.evaluate('globalThis.canary'), undefined)
    assert.ok(violations.every((violation) => violation.startsWith('script-src')))
    await context.close()
  })

  it('may call the API with a key, and reads its stream', async () => {
    const { page, violations } = await watch()
    await page.goto(`${gateway.url}/`)
    const ask = (key: string): Promise<{ status: number; text: string }> => {
      const data = `data:application/pdf;base64,${Buffer.from(makePdf([{ number: 1 }])).toString('base64')}`
      const content = [{ type: 'file', file: { filename: 'one.pdf', file_data: data } }]
      const body = { model: 'default', stream: true, ocr: { preview: true }, messages: [{ role: 'user', content }] }
      return page.evaluate(
        `fetch('v1/chat/completions', {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: 'Bearer ${key}' },
          body: ${JSON.stringify(JSON.stringify(body))},
        }).then(async (answer) => ({ status: answer.status, text: await answer.text() }))`,
      )
    }
    assert.equal((await ask('wrong')).status, 401)
    const { status, text } = await ask('right')
    assert.equal(status, 200)
    assert.match(text, /"preview":\{"page":1,"image":"data:image\/jpeg/)
    assert.match(text, /\[DONE\]/)
    assert.deepEqual(violations, [])
    await context.close()
  })

  it('is filled behind a proxy that serves the gateway under a path of its own', async () => {
    using proxy = await startProxy(gateway.url, '/ocr-gateway/')
    const { page, violations, errors, addresses } = await watch()
    await page.goto(`http://127.0.0.1:${proxy.port}/ocr-gateway/`, { waitUntil: 'networkidle' })
    await eventually(() => isFilled(page), 10_000, 'the playground')
    assert.deepEqual([violations, errors], [[], []])
    assert.deepEqual(
      addresses.filter((address) => !/:\d+\/ocr-gateway\/|^(?:data|blob):/.test(address)),
      [],
    )
    await context.close()
  })

  it('is neither framed nor read by a page of another site', async () => {
    await using open = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    using evil = await listening((_, answer) => {
      answer
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<title>Evil</title><iframe src="${open.url}/"></iframe>`)
    })
    const { page } = await watch()
    await page.goto(`http://evil.example:${evil.port}/`, { waitUntil: 'networkidle' })
    const framed = page.frames().find((frame) => frame !== page.mainFrame())
    const inside = await framed?.evaluate<string>('document.documentElement.innerHTML').catch(() => '')
    assert.doesNotMatch(inside ?? '', /id="root"/)
    const read = (init: string): Promise<string> =>
      page.evaluate(`fetch('${open.url}/v1/models', ${init}).then((answer) => answer.type, () => 'failed')`)
    assert.equal(await read('{}'), 'failed')
    assert.equal(await page.evaluate(`fetch('${open.url}/').then(() => 'read', () => 'failed')`), 'failed')
    await context.close()
  })
})
