import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../../gateway/config/load.ts'
import { configurationProblems } from '../../../gateway/services.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

const problemsOf = (settings: Readonly<Record<string, string>>) => {
  const { config, problems } = loadConfig(settings)
  return config === null ? problems : configurationProblems(config)
}
const targetOf = (url: string, hosts = '') => ({
  GATEWAY_WEBHOOK_URL: url,
  GATEWAY_WEBHOOK_SECRET: SECRET,
  GATEWAY_ALLOWED_URL_HOSTS: hosts,
})

describe('the receiver of webhooks, at the start', () => {
  for (const { name, settings, problem } of [
    { name: 'may be public', settings: targetOf('https://app.example.com/hooks?a=b'), problem: null },
    {
      name: 'may be private where its host is listed',
      settings: targetOf('http://app:3000/hooks', 'app'),
      problem: null,
    },
    {
      name: 'may be on this machine where it is listed',
      settings: targetOf('http://localhost:3000/', 'localhost:3000'),
      problem: null,
    },
    {
      name: 'may be a private address that is listed',
      settings: targetOf('http://10.0.0.5:3000/', '10.0.0.5'),
      problem: null,
    },
    {
      name: 'has TLS where it is not listed',
      settings: targetOf('http://app.example.com/'),
      problem: /URL must begin with https:.*GATEWAY_ALLOWED_URL_HOSTS/,
    },
    {
      name: 'is no private address',
      settings: targetOf('https://10.0.0.5/'),
      problem: /GATEWAY_WEBHOOK_URL leads to an address that is not public/,
    },
    { name: 'is not this machine', settings: targetOf('https://localhost/'), problem: /not public/ },
    {
      name: 'is not listed at another port',
      settings: targetOf('http://10.0.0.5:3000/', '10.0.0.5:3001'),
      problem: /not public/,
    },
    {
      name: 'is no metadata of a cloud, listed or not',
      settings: targetOf('http://169.254.169.254/', '169.254.169.254'),
      problem: /not public/,
    },
    {
      name: 'has no user name',
      settings: targetOf('https://user@app.example.com/'),
      problem: /URL must hold no user name/,
    },
    {
      name: 'has no password',
      settings: targetOf('https://:hunter2@app.example.com/'),
      problem: /URL must hold no user name and no password/,
    },
    {
      name: 'is a URL',
      settings: targetOf('app.example.com'),
      problem: /URL must be a URL beginning with http:\/\/ or https:\/\//,
    },
    {
      name: 'needs a secret',
      settings: { ...targetOf('https://app.example.com/'), GATEWAY_WEBHOOK_SECRET: '' },
      problem: /GATEWAY_WEBHOOK_SECRET must be set beside/,
    },
  ])
    // prettier-ignore
    it(name, () => {
      const problems = problemsOf(settings)
      if (problem === null) assert.deepEqual(problems, [])
      else assert.match(problems.join('\n'), problem)
      assert.doesNotMatch(problems.join('\n'), /hunter2/)
    })

  for (const { name, secret, isOne } of [
    { name: 'as OpenAI makes them', secret: SECRET, isOne: true },
    { name: 'two', secret: `${SECRET}, whsec_${Buffer.alloc(24, 2).toString('base64')}`, isOne: true },
    { name: 'without whsec_', secret: SECRET.slice(6), isOne: false },
    { name: 'too short', secret: `whsec_${Buffer.alloc(23, 1).toString('base64')}`, isOne: false },
    { name: 'too long', secret: `whsec_${Buffer.alloc(65, 1).toString('base64')}`, isOne: false },
    { name: 'no base64', secret: 'whsec_hunter2-hunter2-hunter2-hunter2-hunter2', isOne: false },
    { name: 'without its padding', secret: SECRET.replace('=', ''), isOne: false },
  ])
    it(`${isOne ? 'takes' : 'refuses'} secrets: ${name}`, () => {
      const problems = problemsOf({ ...targetOf('https://app.example.com/'), GATEWAY_WEBHOOK_SECRET: secret })
      assert.equal(problems.length, isOne ? 0 : 1)
      assert.doesNotMatch(problems.join(), /hunter2|AQEB/)
    })

  it('is told that a secret alone has no effect, and that hosts alone have one', () => {
    assert.match(
      loadConfig({ GATEWAY_WEBHOOK_SECRET: SECRET }).warnings.join(),
      /has no effect without GATEWAY_WEBHOOK_URL/,
    )
    assert.deepEqual(loadConfig(targetOf('http://app:3000/', 'app')).warnings, [])
  })
})
