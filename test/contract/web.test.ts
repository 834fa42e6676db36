import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Hono } from 'hono'
import type { GatewayEnv } from '../../gateway/http/context.ts'
import { createWebPages } from '../../gateway/web/web-pages.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Sends a request as it stands: fetch decodes what it gets, and would not let an Origin through. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request(url, { method, headers, agent: false }, (response) => {
    const pieces: Buffer[] = []
    response.on('data', (piece: Buffer) => pieces.push(piece))
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
    )
  })
  asked.on('error', reject)
  asked.end()
  return promise
}

/** What a page loads, as it names it. */
const loadedBy = (html: string): string[] =>
  [...html.matchAll(/ (?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)

describe('the playground', { timeout: 60_000 }, () => {
  let gateway: TestGateway
  before(async () => void (gateway = await startTestGateway({ GATEWAY_API_KEYS: 'a:key' })))
  after(() => gateway.stop())

  it('is a page at / that needs no key, loads nothing from elsewhere and says what it may do', async () => {
    const { status, headers, body } = await ask(`${gateway.url}/`)
    const html = body.toString()
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(headers['content-security-policy'], POLICY)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-cache')
    assert.match(html, /<html lang="en">/)
    assert.match(html, /<title>ocr-gateway<\/title>/)
    assert.match(html, /<meta name="description" content="[^"]+">/)
    assert.match(html, /<meta name="viewport"/)
    assert.match(html, /<div id="root"><\/div>/)
    assert.match(html, /<noscript>/)
    assert.doesNotMatch(html, /<style|<script(?! type="module" src=)| style=| on\w+=/)
    const loaded = loadedBy(html)
    assert.ok(loaded.some((address) => /^assets\/playground\.js\?v=\w{16}$/.test(address)))
    // Relative, without a slash before: a proxy may serve the gateway under a path of its own.
    assert.deepEqual(
      loaded.filter((address) => !address.startsWith('assets/')),
      [],
    )
  })

  it('finds its files from an address with one slash too many, too', async () => {
    const { body } = await ask(`${gateway.url}//`)
    const addresses = loadedBy(body.toString())
    assert.ok(addresses.length > 0 && addresses.every((address) => address.startsWith('../assets/')))
  })

  it('has files that browsers keep for ever, packed as the browser likes it', async () => {
    const html = (await ask(`${gateway.url}/`)).body.toString()
    const types: Record<string, string> = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' }
    for (const address of loadedBy(html)) {
      const url = `${gateway.url}/${address}`
      const plain = await ask(url)
      const packed = await ask(url, { 'accept-encoding': 'gzip, deflate, br' })
      const gzipped = await ask(url, { 'accept-encoding': 'gzip;q=1.0, br;q=0' })
      assert.equal(plain.status, 200, address)
      assert.equal(plain.headers['content-type'], types[/\.(\w+)\?/.exec(address)?.[1] ?? ''] ?? 'image/svg+xml')
      assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
      assert.equal(plain.headers['content-encoding'], undefined)
      assert.equal(plain.headers['content-length'], String(plain.body.length))
      assert.equal(plain.headers['cross-origin-resource-policy'], 'same-origin')
      assert.match(plain.headers.vary ?? '', /accept-encoding/)
      assert.equal(packed.headers['content-encoding'], 'br')
      assert.deepEqual(brotliDecompressSync(packed.body), plain.body)
      assert.equal(gzipped.headers['content-encoding'], 'gzip')
      assert.deepEqual(gunzipSync(gzipped.body), plain.body)
    }
  })

  it('asks again for a name that may become another file', async () => {
    const { headers } = await ask(`${gateway.url}/assets/playground.js`)
    assert.equal(headers['cache-control'], 'no-cache')
    const stale = await ask(`${gateway.url}/assets/playground.js?v=0123456789abcdef`)
    assert.equal(stale.headers['cache-control'], 'no-cache')
  })

  it('sends nothing of what a browser has, and heads alone where only these are wanted', async () => {
    for (const path of ['/', '/assets/playground.js', '/sample.pdf']) {
      const first = await ask(gateway.url + path, { 'accept-encoding': 'br' })
      const { etag = '' } = first.headers
      const again = await ask(gateway.url + path, { 'accept-encoding': 'br', 'if-none-match': `"other", ${etag}` })
      const changed = await ask(gateway.url + path, { 'if-none-match': '"other"' })
      const head = await ask(gateway.url + path, { 'accept-encoding': 'br' }, 'HEAD')
      assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag], path)
      assert.equal(changed.status, 200, path)
      assert.deepEqual([head.status, head.body.length], [200, 0], path)
      for (const name of ['content-type', 'content-length', 'etag', 'cache-control'])
        assert.equal(head.headers[name], first.headers[name], `${name} of ${path}`)
    }
  })

  it('has no file beside its own', async () => {
    for (const name of [
      'nothing.js',
      '..%2Fweb-pages.ts',
      '%2e%2e%2fapp.ts',
      '.env',
      'built',
      'web-pages.ts',
      'a/b.js',
    ])
      assert.equal((await ask(`${gateway.url}/assets/${name}`)).status, 404, name)
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await ask(`${gateway.url}/`, {}, method)).status, 404)
  })

  it('asks for a key where data are', async () => {
    assert.equal((await ask(`${gateway.url}/v1/models`)).status, 401)
    const own = { origin: gateway.url, authorization: 'Bearer key' }
    assert.equal((await ask(`${gateway.url}/v1/models`, own)).status, 200)
  })
})

describe('the playground of a gateway without keys', { timeout: 60_000 }, () => {
  it('is no foreign page, and foreign pages get none of it', async () => {
    await using gateway = await startTestGateway()
    const { host } = new URL(gateway.url)
    const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    for (const path of ['/', '/assets/favicon.svg', '/v1/models']) {
      assert.equal((await ask(gateway.url + path, { origin: gateway.url })).status, 200, path)
      assert.equal((await ask(gateway.url + path, { 'sec-fetch-site': 'same-origin' })).status, 200, path)
      assert.equal((await ask(gateway.url + path, foreign)).status, 403, path)
      assert.equal((await ask(gateway.url + path, { origin: 'https://evil.example' })).status, 403, path)
      assert.equal((await ask(gateway.url + path, { host: 'rebound.example' })).status, 403, path)
    }
    // Behind a proxy that ends TLS, the page's origin has another scheme than the gateway knows of.
    assert.equal((await ask(`${gateway.url}/v1/models`, { host, origin: `https://${host}` })).status, 200)
    // A link that somebody follows.
    const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    assert.equal((await ask(`${gateway.url}/`, followed)).status, 200)
  })

  it('is told whether the gateway reads Office documents, which it then offers', async () => {
    await using gateway = await startTestGateway({ GATEWAY_GOTENBERG_URL: 'http://127.0.0.1:9' })
    assert.match((await ask(`${gateway.url}/`)).body.toString(), /<div id="root" data-office><\/div>/)
  })

  it('is kept to the addresses that are allowed', async () => {
    await using gateway = await startTestGateway({ GATEWAY_ALLOWED_IPS: '10.0.0.0/8' })
    for (const path of ['/', '/assets/playground.js', '/sample.pdf'])
      assert.equal((await ask(gateway.url + path)).status, 403, path)
  })
})

describe('pages whose files', { timeout: 60_000 }, () => {
  const asked = { entry: 'playground', title: 'A <title>', description: '"quoted"' }
  const appOf = (folder: string) => {
    const web = createWebPages([folder])
    const app = new Hono<GatewayEnv>()
    app.get('/', web.page(asked))
    app.get('/assets/:name', web.asset())
    return app
  }

  it('are not built say how they are, instead of being blank', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'web-'))
    const answer = await appOf(folder).request('/')
    const html = await answer.text()
    await rm(folder, { recursive: true })
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('content-security-policy'), POLICY)
    assert.match(html, /npm run web/)
    assert.match(html, /A &lt;title&gt;/)
  })

  it('are built again are sent anew, under another address', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'web-'))
    await writeFile(join(folder, 'playground.js'), 'first()')
    await writeFile(join(folder, 'chunk-4PY5LQK3.js'), 'piece()')
    await cp(join(folder, 'playground.js'), join(folder, 'playground.css'))
    const app = appOf(folder)
    const [before] = loadedBy(await (await app.request('/')).text()).filter((address) => address.includes('.js'))
    await writeFile(join(folder, 'playground.js'), 'the second()')
    const html = await (await app.request('/')).text()
    const [now = ''] = loadedBy(html).filter((address) => address.includes('.js'))
    const script = await app.request(`/${now}`)
    const piece = await app.request('/assets/chunk-4PY5LQK3.js')
    const text = await script.text()
    await rm(folder, { recursive: true })
    assert.notEqual(now, before)
    assert.equal(text, 'the second()')
    assert.match(html, /<link rel="stylesheet" href="assets\/playground\.css\?v=\w+">/)
    assert.match(piece.headers.get('cache-control') ?? '', /immutable/)
  })
})
