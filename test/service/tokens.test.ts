import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { exportSPKI, importJWK, type CryptoKey, type JWK } from 'jose'
import OpenAI from 'openai'
import { createPublishedKeys, KeysUnavailable } from '../../gateway/access/published-keys.ts'
import { createTokens } from '../../gateway/access/tokens.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { makeSigner, signWith, unsigned, type TokenSigner } from '../support/make-token.ts'
import { createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const TIMEOUT = 60_000
const soon = (): number => Math.floor(Date.now() / 1000) + 600
const forAda = () => ({ sub: 'ada', aud: 'ocr', exp: soon() })

/** Who publishes keys: well, badly, or not at all. */
async function startIssuer(...signers: readonly TokenSigner[]) {
  const state: { keys: readonly JWK[]; answer: ((response: ServerResponse) => void) | null; asked: number } = {
    keys: signers.map(({ published }) => published),
    answer: null,
    asked: 0,
  }
  const server = createServer((_, response) => {
    state.asked += 1
    if (state.answer === null) response.end(JSON.stringify({ keys: state.keys }))
    else state.answer(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    state,
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const tokensOf = (keys: URL, onFailure = () => {}) => createTokens({ keys, issuer: null, audience: 'ocr', onFailure })

async function codeOf(reading: Promise<unknown>): Promise<string> {
  const thrown: unknown = await reading.catch((error: unknown) => error)
  return thrown instanceof GatewayError ? thrown.code : JSON.stringify(thrown)
}

describe('tokens that are signed with published keys', { timeout: TIMEOUT }, () => {
  it('are read with keys that are fetched once, by their names or without', async () => {
    const signers = [await makeSigner('one'), await makeSigner('two', 'RS256'), await makeSigner('three', 'EdDSA')]
    await using issuer = await startIssuer(...signers)
    const tokens = tokensOf(issuer.url)
    for (const signer of signers) assert.equal((await tokens.read(await signer.sign(forAda()))).name, 'jwt:ada')
    assert.equal(issuer.state.asked, 1)
  })

  it('are refused when a published key was taken for a secret, or nobody has signed', async () => {
    const signer = await makeSigner('one', 'RS256')
    await using issuer = await startIssuer(signer)
    const tokens = tokensOf(issuer.url)
    const pem = await exportSPKI((await importJWK(signer.published, 'RS256')) as CryptoKey)
    for (const secret of [pem, pem.trim(), JSON.stringify(signer.published), signer.published.n ?? ''])
      assert.equal(await codeOf(tokens.read(await signWith(secret, forAda()))), 'invalid_api_key')
    assert.equal(await codeOf(tokens.read(unsigned(forAda(), { alg: 'none', kid: 'one' }))), 'invalid_api_key')
    const stranger = await makeSigner('one', 'RS256')
    assert.equal(await codeOf(tokens.read(await stranger.sign(forAda()))), 'invalid_api_key')
    // A key that the token itself brings, or points to.
    const jwk = { alg: 'RS256', jwk: stranger.published, jku: 'http://127.0.0.1:1/keys' }
    assert.equal(await codeOf(tokens.read(`${unsigned(forAda(), jwk)}AAAA`)), 'invalid_api_key')
    assert.equal(issuer.state.asked, 1)
  })

  it('are read with a new key once the issuer has changed it; names that are made up have it asked once', async () => {
    const [old, next] = [await makeSigner('old'), await makeSigner('next')]
    await using issuer = await startIssuer(old)
    let now = 0
    const keys = createPublishedKeys({ url: issuer.url, onFailure: () => {}, now: () => now })
    const header = (kid: string) => ({ alg: 'ES256', kid })
    const find = async (kid: string) => codeOrFound(keys(header(kid), { payload: '', signature: '' }))
    assert.equal(await find('old'), 'found')
    issuer.state.keys = [next.published]
    // Known keys are used while they are fresh.
    assert.equal(await find('old'), 'found')
    now += 601_000
    assert.equal(await find('old'), 'found')
    while (issuer.state.asked < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    for (let tries = 0; (await find('next')) !== 'found' && tries < 100; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(await find('old'), 'ERR_JWKS_NO_MATCHING_KEY')
    for (const kid of ['a', 'b', 'c', 'd']) assert.equal(await find(kid), 'ERR_JWKS_NO_MATCHING_KEY')
    assert.equal(issuer.state.asked, 2)
  })

  const broken: [name: string, answer: (response: ServerResponse) => void][] = [
    ['is down', (response) => response.socket?.destroy()],
    ['fails', (response) => response.writeHead(500).end()],
    ['publishes a web page', (response) => response.end('<html>')],
    ['publishes something else', (response) => response.end('{"keys": 1}')],
    ['points elsewhere', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['never ends', (response) => void response.write(' '.repeat(2_000_000))],
  ]
  for (const [name, answer] of broken)
    it(`cannot be judged while the issuer ${name}: that is no fault of theirs`, async () => {
      const signer = await makeSigner('one')
      await using issuer = await startIssuer(signer)
      issuer.state.answer = answer
      let told = 0
      const tokens = tokensOf(issuer.url, () => (told += 1))
      const token = await signer.sign(forAda())
      for (const _ of [1, 2, 3]) assert.equal(await codeOf(tokens.read(token)), 'storage_unavailable')
      // It is not asked for each of them.
      assert.deepEqual([issuer.state.asked, told], [1, 1])
    })

  it('wait for a slow issuer no longer than they may, all of them together', async () => {
    await using issuer = await startIssuer()
    issuer.state.answer = () => {}
    const keys = createPublishedKeys({ url: issuer.url, onFailure: () => {}, timeoutMs: 100 })
    const find = async () => keys({ alg: 'ES256', kid: 'one' }, { payload: '', signature: '' })
    await Promise.all([1, 2, 3].map(() => assert.rejects(find(), KeysUnavailable)))
    assert.equal(issuer.state.asked, 1)
  })

  it('are read with the keys that are known while the issuer is down', async () => {
    const signer = await makeSigner('one')
    await using issuer = await startIssuer(signer)
    const tokens = tokensOf(issuer.url)
    const token = await signer.sign(forAda())
    await tokens.read(token)
    issuer.state.answer = (response) => response.socket?.destroy()
    assert.equal((await tokens.read(token)).name, 'jwt:ada')
  })
})

async function codeOrFound(finding: unknown): Promise<string> {
  try {
    await finding
    return 'found'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

describe('a gateway that takes tokens', { timeout: TIMEOUT }, () => {
  it('keeps callers to what their tokens say, also while they are away', async () => {
    const signer = await makeSigner('one')
    await using issuer = await startIssuer(signer)
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_JWT_JWKS_URL: issuer.url.href,
      GATEWAY_JWT_AUDIENCE: 'ocr',
      GATEWAY_API_KEYS: 'ada:key-of-ada',
    })
    const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 })
    const token = clientOf(await signer.sign({ ...forAda(), ocr: { pages_per_minute: 4 } }))
    const key = clientOf('key-of-ada')
    // The holder of a key and whom a token names are two, whatever they are called.
    const endpoint = '/v1/chat/completions'
    const part = filePart(makePdf([{ number: 1 }, { number: 2 }]))
    const line = { custom_id: 'a', body: { model: 'default', messages: [{ role: 'user', content: [part] }] } }
    const batch = await createBatch(token, endpoint, linesOf(endpoint, [line]))
    assert.equal((await untilEnded(token, batch.id)).request_counts.completed, 1)
    await assert.rejects(key.batches.retrieve(batch.id), /There is no batch/)
    assert.deepEqual((await key.files.list()).data, [])
    const { response } = await token.chat.completions
      .create({ model: 'default', messages: [{ role: 'user', content: [filePart(makePdf([{ number: 9 }]))] }] })
      .withResponse()
    assert.equal(response.headers.get('x-ratelimit-remaining-pages'), '1', 'two of the batch, and this one')
    const stale = fetch(`${gateway.url}/v1/models`, {
      headers: { authorization: `Bearer ${await signer.sign({ ...forAda(), exp: soon() - 3600 })}` },
    })
    const { error } = (await (await stale).json()) as { error: { code: string; message: string } }
    assert.equal(error.code, 'invalid_api_key')
    assert.match(error.message, /has expired/)
    const long = await fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': `${'a'.repeat(20_000)}.b.c` } })
    assert.equal(long.status, 431)
  })
})
