import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { createRequest } from '../../../gateway/request/create-request.ts'
import { completeOptions, type GivenOptions } from '../../../gateway/request/options.ts'
import { makeModel } from '../../support/make-request.ts'

/** As a protocol might call them that has no `ocr` object. */
const names = {
  task: 'task',
  fields: 'schema',
  output: 'format',
  chunks: 'parts',
  pageSeparator: 'separator',
  documents: 'which',
  figures: 'pictures',
  minConfidence: 'sure',
  answerFormat: 'answer',
}

const create = (given: GivenOptions) =>
  createRequest(
    { model: makeModel(), sources: [], userText: '', options: completeOptions(given, names), names },
    { requestId: 'req_1', key: 'archive' },
  )

describe('the options of a request', () => {
  it('have defaults, where nothing or undefined was given', () => {
    for (const given of [{}, { output: undefined, cache: undefined, patienceSeconds: undefined }]) {
      const { output, pageSeparator, onPageError, cache, confidence, dryRun, pages, deadline, task } = create(given)
      assert.deepEqual(
        [output, pageSeparator, onPageError, cache, confidence, dryRun, pages, deadline, task],
        ['markdown', '\n\n---\n\n', 'mark', 'use', false, false, null, null, 'document'],
      )
    }
  })

  it('are as given', () => {
    const request = create({ pages: '2-', output: 'text', onPageError: 'fail', cache: 'off', lane: 'batch' })
    assert.deepEqual(request.pages, [{ first: 2, last: null }])
    assert.deepEqual([request.output, request.onPageError, request.cache], ['text', 'fail', 'off'])
    assert.deepEqual([request.turn.lane, request.turn.key, request.id], ['batch', 'archive', 'req_1'])
  })

  it('prepare a page only in the ways that were asked for', () => {
    assert.deepEqual(create({ preparation: { rotate: false, deskew: true, tile: undefined } }).preparation, {
      deskew: true,
    })
    // Left out, a page of small type is read in tiles; false is a wish.
    assert.deepEqual(create({ preparation: { tile: false, binarize: false } }).preparation, { tile: false })
  })

  it('end the request when the client stops waiting', () => {
    const before = performance.now()
    const { deadline } = create({ patienceSeconds: 10 })
    assert.ok(deadline !== null && deadline >= before + 10_000 && deadline <= performance.now() + 10_000)
  })

  it('never put a password into the request: only the sources have it', () => {
    assert.ok(!JSON.stringify(create({ password: 'open sesame' })).includes('open sesame'))
  })

  it('say how many documents were left out, unless all were wanted', () => {
    const parts = { model: makeModel(), sources: [], userText: '', leftOut: 2, names }
    const warned = (documents: 'last' | 'all') => {
      const options = completeOptions({ documents }, names)
      return createRequest({ ...parts, options }, { requestId: 'req_1', key: null }).warnings
    }
    assert.deepEqual(
      warned('last').map(({ code, message }) => [code, /^2 documents .* which "all"/.test(message)]),
      [['documents_not_read', true]],
    )
    assert.deepEqual(warned('all'), [])
  })

  it('ask for chunks of text alone: of what a task answers in JSON there are none, and a warning says so', () => {
    const asked = (json: boolean) => {
      const tasks = { document: { text: null }, extract: { text: null, json } }
      const options = completeOptions({ output: 'json', chunkTokens: 100, task: 'extract' }, names)
      const parts = { model: makeModel({ tasks }), sources: [], userText: '', options, names }
      const { chunkTokens, warnings } = createRequest(parts, { requestId: 'req_1', key: null })
      return [chunkTokens, warnings.map(({ code }) => code)]
    }
    assert.deepEqual(asked(false), [100, []])
    assert.deepEqual(asked(true), [null, ['option_ignored']])
  })

  const refused: readonly { name: string; given: GivenOptions; param: string; says: RegExp }[] = [
    {
      name: 'a separator for JSON',
      given: { output: 'json', pageSeparator: '-' },
      param: 'separator',
      says: /With format "json" .* leave separator out/,
    },
    {
      name: 'chunks of Markdown',
      given: { chunkTokens: 100 },
      param: 'parts',
      says: /JSON object that format "json" answers with/,
    },
    {
      name: 'chunks with pictures in them',
      given: { output: 'json', chunkTokens: 100, figures: 'embed' },
      param: 'parts',
      says: /pictures "embed"; use "reference"/,
    },
    { name: 'a task that the model lacks', given: { task: 'chart' }, param: 'task', says: /no task "chart"/ },
    { name: 'fields for another task', given: { fields: ['date'] }, param: 'schema', says: /^schema is for/ },
  ]
  for (const { name, given, param, says } of refused) {
    it(`are refused in the protocol's own names: ${name}`, () => {
      assert.throws(
        () => create(given),
        (error) => error instanceof GatewayError && error.param === param && says.test(error.message),
      )
    })
  }
})
