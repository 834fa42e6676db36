import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTokens } from '../../../gateway/access/tokens.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import { signWith, unsigned } from '../../support/make-token.ts'

const SECRET = 'a secret of at least 32 bytes, as RFC 7518 wants'
const NOW = 1_800_000_000
const claims = { sub: 'ada', iss: 'https://issuer.example', aud: 'ocr', exp: NOW + 600 }

function read(token: string, now = NOW) {
  const options = {
    issuer: 'https://issuer.example',
    audience: 'ocr',
    onFailure: () => assert.fail('nothing is fetched'),
  }
  return createTokens({ keys: SECRET, ...options, now: () => now * 1000 }).read(token)
}

async function problem(token: string, now?: number): Promise<string> {
  const thrown: unknown = await read(token, now).catch((error: unknown) => error)
  assert.ok(thrown instanceof GatewayError, `it was refused: ${JSON.stringify(thrown)}`)
  assert.deepEqual([thrown.code, thrown.status], ['invalid_api_key', 401])
  assert.equal(thrown.message.includes(token), false)
  return thrown.message
}

const sign = (parts: Record<string, unknown>, alg?: string) => signWith(SECRET, { ...claims, ...parts }, alg)

describe('a token that a secret has signed', () => {
  it('names its caller, and what that may', async () => {
    const ocr = { pages_per_minute: 5, models: ['a'], lanes: ['batch'], admin: true }
    assert.deepEqual(await read(await sign({ ocr })), {
      name: 'jwt:ada',
      models: ['a'],
      lanes: ['batch'],
      isAdmin: true,
      limits: { requestsPerMinute: null, pagesPerMinute: 5, pagesInFlight: null, pagesPerMonth: null },
    })
    for (const alg of ['HS384', 'HS512']) assert.equal((await read(await sign({}, alg))).name, 'jwt:ada')
    assert.equal((await read(await sign({ aud: ['other', 'ocr'] }))).name, 'jwt:ada')
  })

  it('names nobody who holds a key, nor anything that a log or Redis would take for more than a name', async () => {
    assert.equal(
      (await read(await sign({ sub: 'system:serviceaccount:a:b' }))).name,
      'jwt:system%3Aserviceaccount%3Aa%3Ab',
    )
    assert.equal((await read(await sign({ sub: 'auth0|5f7' }))).name, 'jwt:auth0%7C5f7')
  })

  it('may be a minute off, as clocks are, and no more', async () => {
    const token = await sign({ exp: NOW, nbf: NOW - 10 })
    assert.equal((await read(token, NOW + 59)).name, 'jwt:ada')
    assert.match(await problem(token, NOW + 61), /has expired \(exp\), or the clock of the gateway is wrong/)
    assert.equal((await read(token, NOW - 69)).name, 'jwt:ada')
    assert.match(await problem(token, NOW - 75), /is not valid yet \(nbf\), or the clock/)
  })

  const refused: [name: string, token: () => Promise<string> | string, problem: RegExp][] = [
    ['has expired', () => sign({ exp: NOW - 300 }), /has expired/],
    ['is not valid yet', () => sign({ nbf: NOW + 300 }), /not valid yet/],
    ['never expires', () => sign({ exp: undefined }), /lacks the claim "exp"/],
    ['names nobody', () => sign({ sub: undefined }), /lacks the claim "sub"/],
    ['names nobody: blank', () => sign({ sub: '' }), /must name its subject/],
    ['names somebody with a line break', () => sign({ sub: 'ada\nlevel=error' }), /must name its subject/],
    ['names somebody in other letters', () => sign({ sub: 'аda' }), /must name its subject/],
    ['names somebody at length', () => sign({ sub: 'a'.repeat(129) }), /must name its subject/],
    ['is of another issuer', () => sign({ iss: 'https://evil.example' }), /another issuer/],
    ['is of no issuer', () => sign({ iss: undefined }), /lacks the claim "iss"/],
    ['is for another audience', () => sign({ aud: 'mail' }), /another audience/],
    ['is for nobody', () => sign({ aud: undefined }), /lacks the claim "aud"/],
    ['is signed with another secret', () => signWith(`${SECRET}!`, claims), /signature that is not right/],
    ['was changed', async () => tampered(await sign({})), /signature that is not right/],
    ['is not signed', () => unsigned(claims), /\(alg\)|no signed JWT/],
    ['is not signed, in other words', () => unsigned(claims, { alg: 'NONE' }), /\(alg\)|no signed JWT/],
    ['claims to be signed with a key', () => `${unsigned(claims, { alg: 'RS256' })}AAAA`, /\(alg\)/],
    [
      'wants a feature that nobody knows',
      () => `${unsigned(claims, { alg: 'HS256', crit: ['x'], x: 1 })}AAAA`,
      /\(alg\)|no signed JWT/,
    ],
    ['is no JSON', () => 'AAAA.AAAA.AAAA', /no signed JWT/],
    [
      'has a broken claim',
      () => sign({ ocr: { pages_per_minute: 0 } }),
      /"ocr" that is broken: pages_per_minute: must be at least 1/,
    ],
    ['has an unknown limit', () => sign({ ocr: { pages_a_minute: 1 } }), /"ocr" that is broken: .*pages_a_minute/],
    ['has a claim that is no object', () => sign({ ocr: 'all' }), /"ocr" that is broken/],
    ['is a megabyte', () => `${'a'.repeat(1_000_000)}.b.c`, /more than 16000 characters/],
  ]
  for (const [name, token, expected] of refused)
    it(`is refused when it ${name}`, async () => assert.match(await problem(await token()), expected))
})

/** Another payload under the same signature. */
function tampered(token: string): string {
  const [head = '', , signature = ''] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')
  return `${head}.${payload}.${signature}`
}
