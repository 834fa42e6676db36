import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf, plainKeys, readKeys } from '../../../gateway/access/keys-file.ts'

const SECRET = 'sk-very-secret'
const read = (...entries: unknown[]) =>
  readKeys(JSON.stringify(entries), plainKeys([{ name: 'plain', key: 'plain-key' }]))

describe('a keys file', () => {
  it('holds keys, or their digests, and what each may', () => {
    const sha256 = digestOf('another').toString('hex')
    const { keys } = read(
      { name: 'scans', key: SECRET, models: ['a', 'b/c'], requests_per_minute: 10, pages_per_minute: 20 },
      {
        name: 'nightly',
        sha256: sha256.toUpperCase(),
        pages_in_flight: 4,
        pages_per_month: 1e6,
        lanes: ['batch'],
        admin: true,
      },
    )
    assert.deepEqual(
      keys?.map(({ caller }) => caller),
      [
        {
          name: 'scans',
          models: ['a', 'b/c'],
          lanes: null,
          isAdmin: false,
          limits: { requestsPerMinute: 10, pagesPerMinute: 20, pagesInFlight: null, pagesPerMonth: null },
        },
        {
          name: 'nightly',
          models: null,
          lanes: ['batch'],
          isAdmin: true,
          limits: { requestsPerMinute: null, pagesPerMinute: null, pagesInFlight: 4, pagesPerMonth: 1e6 },
        },
      ],
    )
    assert.deepEqual(
      keys?.map(({ digest }) => digest.toString('hex')),
      [digestOf(SECRET).toString('hex'), sha256],
    )
    assert.doesNotMatch(JSON.stringify(keys), new RegExp(SECRET))
  })

  const key = { name: 'a', key: SECRET }
  const broken: [name: string, entries: unknown[], problem: RegExp][] = [
    ['no keys at all', [], /names no key/],
    ['no name', [{ key: SECRET }], /^entry 1: name: /],
    ['a name with a line break', [{ ...key, name: 'a\nb' }], /^entry 1: name: must be of letters/],
    ['a name like a token has', [{ ...key, name: 'jwt:a' }], /^entry 1: name: /],
    ['an unknown field', [{ ...key, request_per_minute: 1 }], /^entry 1 \(a\): .*request_per_minute/],
    ['a limit of zero', [{ ...key, pages_per_minute: 0 }], /^entry 1 \(a\): pages_per_minute: must be at least 1$/],
    ['a limit as text', [{ ...key, pages_in_flight: '4' }], /^entry 1 \(a\): pages_in_flight: /],
    ['an unknown lane', [{ ...key, lanes: ['fast'] }], /^entry 1 \(a\): lanes\.0: must be "interactive" or "batch"$/],
    ['no lane', [{ ...key, lanes: [] }], /^entry 1 \(a\): lanes: /],
    ['neither key nor digest', [{ name: 'a' }], /^entry 1 \(a\): must have either "key" or "sha256"$/],
    ['both', [{ ...key, sha256: '0'.repeat(64) }], /^entry 1 \(a\): must have either/],
    ['a short digest', [{ name: 'a', sha256: 'abcd' }], /^entry 1 \(a\): sha256: /],
    ['a key that no header holds', [{ name: 'a', key: 'schlüssel' }], /^entry 1 \(a\): key: must be printable ASCII/],
    ['one name twice', [key, { name: 'a', key: 'other' }], /^entry 2 \(a\): name: another key has it/],
    ['one key twice', [key, { name: 'b', key: SECRET }], /^entry 2 \(b\): key: it is that of another name/],
    ['a name of GATEWAY_API_KEYS', [{ ...key, name: 'plain' }], /^entry 1 \(plain\): name: .*GATEWAY_API_KEYS/],
    ['a key of GATEWAY_API_KEYS', [{ name: 'b', key: 'plain-key' }], /^entry 1 \(b\): key: .*GATEWAY_API_KEYS/],
    ['what is no object', ['a'], /^entry 1: /],
  ]
  for (const [name, entries, problem] of broken)
    it(`is refused with ${name}, and the message says where, and no key`, () => {
      const { keys, problems } = read(...entries)
      assert.equal(keys, null)
      assert.match(problems.join('\n'), problem)
      assert.doesNotMatch(problems.join('\n'), new RegExp(SECRET))
    })

  for (const text of ['', '{', '{"name": "a"}', `[{"name": "a", "key": "${SECRET}"`, 'null'])
    it(`is refused as ${JSON.stringify(text.slice(0, 12))}`, () => {
      const { keys, problems } = readKeys(text, [])
      assert.equal(keys, null)
      assert.match(problems.join(), /JSON/)
      assert.doesNotMatch(problems.join(), new RegExp(SECRET))
    })
})
