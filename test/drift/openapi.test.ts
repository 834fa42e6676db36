import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { openApiDocument } from '../../gateway/http/openapi/document.ts'
import { hashOf, reference, referencePath } from '../support/fetch-reference.ts'
import { createContract, type SentAnswer } from '../support/openapi-contract.ts'

/** What the linter would have otherwise, and why it is so. */
const EXPECTED = {
  '#/paths/~1v1~1responses~1input_tokens/post/responses': 'is there to say what is there in its place',
} as const

describe('the OpenAPI document', () => {
  it('is as its linter recommends', async () => {
    const config = await createConfig({ extends: ['recommended'] })
    const source = JSON.stringify(openApiDocument('1.0.0'))
    const problems = await lintFromString({ source, config, absoluteRef: '/openapi.json' })
    const found = problems.map(({ severity, ruleId, message, location: [place] }) => ({
      place: place?.pointer ?? '',
      said: `${severity} ${ruleId}: ${message}`,
    }))
    assert.deepEqual(found.filter(({ place }) => !Object.hasOwn(EXPECTED, place)), []) // prettier-ignore
    assert.deepEqual(found.map(({ place }) => place).toSorted(), Object.keys(EXPECTED).toSorted())
  })
})

describe('what renders it', () => {
  it('is what its package holds: run `npm run web:reference`', () => {
    assert.equal(hashOf(readFileSync(referencePath)), reference.sha256)
  })
})

describe('the check of answers', () => {
  const contract = createContract()
  const sent = (answer: Partial<SentAnswer>, body: string, type = 'application/json'): string[] =>
    contract.problems({
      method: 'GET',
      path: '/health',
      status: 200,
      header: (name) => (name === 'content-type' ? type : undefined),
      body: Buffer.from(body),
      ...answer,
    })

  const chunk = { id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [] }
  const events = (...data: unknown[]): string =>
    data.map((each) => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`).join('')
  const chat = { method: 'POST', path: '/v1/chat/completions' }
  const error = (code: string): string => JSON.stringify({ error: { message: '', type: '', param: null, code } })

  const rows: { name: string; problems: readonly string[]; says: RegExp | null }[] = [
    { name: 'a right answer', problems: sent({}, '{"status":"ok"}'), says: null },
    { name: 'a wrong field', problems: sent({}, '{"status":"well"}'), says: /^GET \/health → 200: \/status / },
    { name: 'a field too many', problems: sent({}, '{"status":"ok","a":1}'), says: /additionalProperty":"a"/ },
    { name: 'no JSON', problems: sent({}, '{'), says: /^GET \/health → 200: the whole must be object/ },
    { name: 'a path', problems: sent({ path: '/nowhere' }, '{}'), says: /the path is not described/ },
    { name: 'a status', problems: sent({ status: 418 }, '{}'), says: /the status is not described/ },
    { name: 'a content type', problems: sent({}, '', 'text/html'), says: /content-type text\/html is not described/ },
    { name: 'slashes', problems: sent({ path: '//health/' }, '{"status":"ok"}'), says: null },
    {
      name: 'a path that is no route',
      problems: sent({ path: '/nowhere', status: 404 }, error('not_found')),
      says: null,
    },
    {
      name: 'a code',
      problems: sent({ path: '/v1/models/a', status: 404 }, error('file_not_found')),
      says: /\/error\/code/,
    },
    { name: 'events', problems: sent(chat, events(chunk, '[DONE]'), 'text/event-stream'), says: null },
    {
      name: 'a wrong event',
      problems: sent(chat, events(chunk, { ...chunk, ocr: { page: 0 } }), 'text/event-stream'),
      says: /event 1: \/ocr/,
    },
    {
      name: 'a header',
      problems: sent(
        { header: (name) => ({ 'content-type': 'application/json', 'x-cache': 'HIT' })[name] },
        '{"status":"ok"}',
      ),
      says: /the header x-cache is not described/,
    },
  ]
  for (const { name, problems, says } of rows)
    it(says === null ? `lets ${name} pass` : `finds ${name} that is not described`, () => {
      if (says === null) assert.deepEqual(problems, [])
      else assert.match(problems.join(), says)
    })
})
