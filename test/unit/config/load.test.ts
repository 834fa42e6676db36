import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../../gateway/config/load.ts'

describe('loading the configuration', () => {
  it('needs no setting at all', () => {
    const { config, problems } = loadConfig({})
    assert.deepEqual(problems, [])
    assert.equal(config?.GATEWAY_HOST, '127.0.0.1')
    assert.equal(config?.GATEWAY_PORT, 8080)
    assert.equal(config?.GATEWAY_LOOKAHEAD, 64)
    assert.equal(config?.GATEWAY_MAX_PAGES, 2000)
    assert.deepEqual(config?.GATEWAY_UPSTREAM_URLS, [])
  })

  it('takes an empty variable for an unset one', () => {
    const { config } = loadConfig({ GATEWAY_PORT: '', GATEWAY_REDIS_URL: ' ', GATEWAY_LOG_LEVEL: '' })
    assert.equal(config?.GATEWAY_PORT, 8080)
    assert.equal(config?.GATEWAY_REDIS_URL, null)
    assert.equal(config?.GATEWAY_LOG_LEVEL, 'info')
  })

  it('reads lists, pairs and keys', () => {
    const { config } = loadConfig({
      GATEWAY_UPSTREAM_URLS: 'http://a:8000/v1, http://b:8000/v1,',
      GATEWAY_MODEL_PROFILES: 'my-ocr=lightonocr-2, llama=none',
      GATEWAY_API_KEYS: 'scans:s3cret:with:colons,rag:other',
    })
    assert.deepEqual(config?.GATEWAY_UPSTREAM_URLS, ['http://a:8000/v1', 'http://b:8000/v1'])
    assert.deepEqual(
      [...(config?.GATEWAY_MODEL_PROFILES ?? [])],
      [
        ['my-ocr', 'lightonocr-2'],
        ['llama', 'none'],
      ],
    )
    assert.deepEqual(config?.GATEWAY_API_KEYS, [
      { name: 'scans', key: 's3cret:with:colons' },
      { name: 'rag', key: 'other' },
    ])
  })

  it('names every bad setting at once, each with its rule', () => {
    const { config, problems } = loadConfig({
      GATEWAY_PORT: 'eighty',
      GATEWAY_UPSTREAM_URLS: 'vllm:8000',
      GATEWAY_LOG_FORMAT: 'xml',
      GATEWAY_LOOKAHEAD: '0',
    })
    assert.equal(config, null)
    assert.deepEqual(problems, [
      'GATEWAY_PORT must be a whole number',
      'GATEWAY_UPSTREAM_URLS must be a URL beginning with http:// or https://',
      'GATEWAY_LOOKAHEAD must be at least 1',
      'GATEWAY_LOG_FORMAT must be one of json, pretty',
    ])
  })

  it('never repeats a key in a problem', () => {
    const { problems } = loadConfig({ GATEWAY_API_KEYS: 'hunter2-without-a-name' })
    assert.equal(problems.length, 1)
    assert.doesNotMatch(problems.join(), /hunter2/)
  })

  for (const { name, key, starts } of [
    { name: 'umlauts', key: 'schlüssel', starts: false },
    { name: 'a sign beyond latin1', key: '密码', starts: false },
    { name: 'a control character', key: 'a\tb', starts: false },
    { name: 'printable ASCII', key: 'sk-!"#$%&\'()*+-./:;<=>?@[\\]^_`{|}~09azAZ', starts: true },
    { name: 'a blank inside', key: 'two words', starts: true },
  ]) {
    it(`${starts ? 'takes' : 'refuses'} a key with ${name}${starts ? '' : ', which no client could send'}`, () => {
      const { problems } = loadConfig({ GATEWAY_API_KEYS: `archive:${key},rag:other` })
      const problem = 'GATEWAY_API_KEYS must have keys of printable ASCII alone: others cannot be sent in a header'
      assert.deepEqual(problems, starts ? [] : [problem])
    })
  }

  it('refuses seconds beyond what timers run, which would end at once', () => {
    const { problems } = loadConfig({ GATEWAY_DRAIN_SECONDS: '2147484', GATEWAY_PAGE_TIMEOUT_SECONDS: '2147483' })
    assert.deepEqual(problems, ['GATEWAY_DRAIN_SECONDS must be at most 2147483'])
  })

  for (const { url, says } of [
    { url: 'redis://:hunter2%@redis:6379', says: 'must have its user name and password percent-encoded: a "%" in them is "%25"' }, // prettier-ignore
    { url: 'redis://hunter2%zz:x@redis:6379', says: 'must have its user name and password percent-encoded: a "%" in them is "%25"' }, // prettier-ignore
    { url: 'rediss://redis/hunter2', says: 'must end in the number of a database, or in none: redis://host:6379/0' },
    { url: 'hunter2', says: 'must be a URL beginning with redis:// or rediss://' },
  ]) {
    it(`says in one line what is wrong with an address of Redis, and does not repeat it: ${url}`, () => {
      assert.deepEqual(loadConfig({ GATEWAY_REDIS_URL: url }).problems, [`GATEWAY_REDIS_URL ${says}`])
    })
  }

  it('takes an address of Redis with an encoded password and a database', () => {
    for (const url of ['redis://:50%25@redis:6379/2', 'rediss://me:p%40ss@redis', 'redis://redis/', 'redis://[::1]:1'])
      assert.deepEqual(loadConfig({ GATEWAY_REDIS_URL: url }).problems, [], url)
  })

  it('refuses a profile that does not exist', () => {
    const { problems } = loadConfig({ GATEWAY_MODEL_PROFILES: 'my-ocr=' })
    assert.match(problems.join(), /^GATEWAY_MODEL_PROFILES must be/)
  })

  for (const { host, listens } of [
    { host: '127.0.0.1', listens: true },
    { host: '127.8.9.1', listens: true },
    { host: 'localhost', listens: true },
    { host: '::1', listens: true },
    { host: '0.0.0.0', listens: false },
    { host: '::', listens: false },
    { host: '10.0.0.5', listens: false },
    { host: '127.0.0.1.example.org', listens: false },
  ]) {
    it(`${listens ? 'listens' : 'does not listen'} on ${host} without keys`, () => {
      const { config, problems } = loadConfig({ GATEWAY_HOST: host })
      assert.equal(config !== null, listens)
      if (!listens) assert.match(problems.join(), /GATEWAY_API_KEYS.*GATEWAY_ALLOW_ANONYMOUS=true/)
    })
  }

  it('listens on a network with keys, or when the operator insists', () => {
    assert.notEqual(loadConfig({ GATEWAY_HOST: '0.0.0.0', GATEWAY_API_KEYS: 'a:k' }).config, null)
    assert.notEqual(loadConfig({ GATEWAY_HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' }).config, null)
  })

  it('listens on a network with a keys file, or with tokens', () => {
    const network = { GATEWAY_HOST: '0.0.0.0' }
    assert.notEqual(loadConfig({ ...network, GATEWAY_KEYS_FILE: '/etc/keys.json' }).config, null)
    assert.notEqual(loadConfig({ ...network, GATEWAY_JWT_SECRET: 'x'.repeat(32) }).config, null)
    assert.notEqual(loadConfig({ ...network, GATEWAY_JWT_JWKS_URL: 'https://issuer.example/keys' }).config, null)
  })

  it('takes networks, and nothing that two readers may read differently', () => {
    const { config } = loadConfig({ GATEWAY_ALLOWED_IPS: '10.0.0.0/8, fd00::/8,192.0.2.7,::1' })
    assert.deepEqual(config?.GATEWAY_ALLOWED_IPS, ['10.0.0.0/8', 'fd00::/8', '192.0.2.7/32', '::1/128'])
    for (const text of [
      '10.0.0.0/33',
      '10.1',
      '010.0.0.1',
      '0x7f000001',
      'example.com',
      'fd00::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/',
    ])
      assert.match(
        loadConfig({ GATEWAY_TRUSTED_PROXIES: text }).problems.join(),
        /^GATEWAY_TRUSTED_PROXIES must be networks/,
        text,
      )
  })

  it('takes tokens of one kind alone, and no secret that can be found out', () => {
    const both = { GATEWAY_JWT_SECRET: 'x'.repeat(32), GATEWAY_JWT_JWKS_URL: 'https://issuer.example/keys' }
    assert.match(loadConfig(both).problems.join(), /are both set/)
    const { problems } = loadConfig({ GATEWAY_JWT_SECRET: 'hunter2' })
    assert.match(problems.join(), /^GATEWAY_JWT_SECRET must have at least 32 bytes/)
    assert.doesNotMatch(problems.join(), /hunter2/)
    const warnings = (settings: Record<string, string>) => loadConfig(settings).warnings.join()
    assert.match(warnings({ GATEWAY_JWT_JWKS_URL: 'https://issuer.example/keys' }), /GATEWAY_JWT_AUDIENCE is not set/)
    assert.match(warnings({ GATEWAY_JWT_ISSUER: 'https://issuer.example' }), /have no effect/)
  })

  it('warns when the cache is to tell keys apart, and there are none', () => {
    const scoped = { GATEWAY_CACHE_SCOPE: 'key' }
    assert.match(loadConfig(scoped).warnings.join(), /^GATEWAY_CACHE_SCOPE=key .*GATEWAY_API_KEYS/)
    assert.deepEqual(loadConfig({ ...scoped, GATEWAY_API_KEYS: 'a:k' }).warnings, [])
    assert.deepEqual(loadConfig({ GATEWAY_CACHE_SCOPE: 'user' }).problems, [
      'GATEWAY_CACHE_SCOPE must be one of shared, key',
    ])
  })

  it('warns of a way to send traces that it does not have, where traces are sent', () => {
    const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317' }
    assert.match(loadConfig(grpc).warnings.join(), /^OTEL_EXPORTER_OTLP_PROTOCOL=grpc has no effect: .*http\/protobuf/)
    assert.deepEqual(loadConfig({ ...grpc, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' }).warnings, [])
    assert.deepEqual(loadConfig({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).warnings, [])
  })

  it('warns of a name that it does not know, and starts: Kubernetes sets such names itself', () => {
    const { config, warnings } = loadConfig({ GATEWAY_SERVICE_HOST: '10.1.1.1' })
    assert.notEqual(config, null)
    assert.match(warnings.join(), /^GATEWAY_SERVICE_HOST is not a setting/)
  })

  it('reads the hosts of which documents may be downloaded though they are private', () => {
    const hosts = 'Files.Example.com, 10.0.0.5:9000,*.Bücher.example, [FD00::5]:80, localhost., *.b:443'
    const { config, warnings } = loadConfig({ GATEWAY_ALLOW_URLS: 'true', GATEWAY_ALLOWED_URL_HOSTS: hosts })
    assert.deepEqual(config?.GATEWAY_ALLOWED_URL_HOSTS, [
      { host: 'files.example.com', isSuffix: false, port: null },
      { host: '10.0.0.5', isSuffix: false, port: 9000 },
      { host: 'xn--bcher-kva.example', isSuffix: true, port: null },
      { host: '[fd00::5]', isSuffix: false, port: 80 },
      { host: 'localhost', isSuffix: false, port: null },
      { host: 'b', isSuffix: true, port: 443 },
    ])
    assert.deepEqual(warnings, [])
    assert.match(
      loadConfig({ GATEWAY_ALLOWED_URL_HOSTS: hosts }).warnings.join(),
      /no effect without GATEWAY_ALLOW_URLS/,
    )
  })

  for (const host of [
    '*',
    '*.',
    'http://a',
    'a/b',
    'a:0',
    'a:99999',
    'a:b',
    'fd00::1',
    'u@a',
    'a?b',
    'a.*',
    '10.0.0.0/8',
    'a b',
  ])
    it(`takes no other thing for such a host: ${host}`, () => {
      assert.deepEqual(loadConfig({ GATEWAY_ALLOWED_URL_HOSTS: host }).problems, [
        'GATEWAY_ALLOWED_URL_HOSTS must be hosts such as files.example.com, 10.0.0.5:9000, [fd00::5] or *.example.com, without a scheme or path',
      ])
    })
})
