import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { pageKeys, questionKey as partitionedQuestionKey, type CachePartition } from '../../../gateway/ocr/page-key.ts'
import type { OcrRequest } from '../../../gateway/request/ocr-request.ts'
import { makeModel, makeRequest } from '../../support/make-request.ts'

const shared: CachePartition = { salt: null, scope: 'shared' }
const pageKey = (request: OcrRequest, of: { sha256: string; converter?: string }, page: number, version: string) =>
  pageKeys(request, of, version, shared)(page)
const questionKey = (request: OcrRequest, partition = shared) => partitionedQuestionKey(request, partition)
const document = { sha256: 'ab12' }
const base = pageKey(makeRequest(), document, 1, 'pdfjs 1')

describe('the page key', () => {
  it('is the same for the same page and question, in every output form', () => {
    const request = makeRequest({
      id: 'req_2',
      output: 'text',
      pageSeparator: '',
      onPageError: 'fail',
      cache: 'refresh',
    })
    assert.equal(pageKey(request, document, 1, 'pdfjs 1'), base)
    assert.match(base, /^[0-9a-f]{64}$/)
  })

  it('is the hash of all its parts in one list, so that answers that are kept stay hits', () => {
    const request = makeRequest({ preparation: { rotate: true, deskew: true } })
    const { pixelBudget } = request.model.profile
    const rasterized = [
      'pdfjs "1"',
      pixelBudget,
      [
        ['deskew', true],
        ['rotate', true],
      ],
    ]
    for (const [of, content] of [
      [document, 'ab12'],
      [{ ...document, converter: 'gotenberg-1' }, ['ab12', 'gotenberg-1']],
    ] as const) {
      const parts = JSON.stringify([2, content, 17, rasterized, questionKey(request)])
      assert.equal(pageKey(request, of, 17, 'pdfjs "1"'), createHash('sha256').update(parts).digest('hex'))
    }
  })

  for (const { name, key } of [
    { name: 'another document', key: pageKey(makeRequest(), { sha256: 'cd34' }, 1, 'pdfjs 1') },
    {
      name: 'the pages that a converter has made of it',
      key: pageKey(makeRequest(), { ...document, converter: 'gotenberg-1' }, 1, 'pdfjs 1'),
    },
    { name: 'another page', key: pageKey(makeRequest(), document, 2, 'pdfjs 1') },
    { name: 'another rasterizer', key: pageKey(makeRequest(), document, 1, 'pdfjs 2') },
    { name: 'another prompt', key: pageKey(makeRequest({ prompt: 'Read.' }), document, 1, 'pdfjs 1') },
    {
      name: 'another preparation',
      key: pageKey(makeRequest({ preparation: { deskew: true } }), document, 1, 'pdfjs 1'),
    },
    { name: 'another task', key: pageKey(makeRequest({ task: 'text' }), document, 1, 'pdfjs 1') },
    { name: 'another model', key: withModel({ id: 'other-ocr' }) },
    { name: 'other weights', key: withModel({ root: 'maker/some-ocr-2' }) },
    { name: 'a new profile version', key: withProfile({ version: 2 }) },
    { name: 'another pixel budget', key: withProfile({ pixelBudget: { longestEdge: 2048, maxPixels: 2048 * 2048 } }) },
    { name: 'other sampling', key: withProfile({ sampling: { temperature: 0.4, top_p: 0.9 } }) },
    { name: 'another extra field', key: withProfile({ extraBody: { skip_special_tokens: true } }) },
  ]) {
    it(`changes with ${name}`, () => assert.notEqual(key, base))
  }
})

describe('the question key', () => {
  const question = questionKey(makeRequest())

  it('is the same for every page and preparation, which the page image shows', () => {
    assert.equal(questionKey(makeRequest({ preparation: { deskew: true } })), question)
    const budget = { longestEdge: 2048, maxPixels: 2048 * 2048 }
    assert.equal(questionKey(makeRequest({ model: makeModel({ pixelBudget: budget }) })), question)
  })

  for (const { name, request } of [
    { name: 'another model', request: makeRequest({ model: { ...makeModel(), id: 'other-ocr' } }) },
    { name: 'another task', request: makeRequest({ task: 'text' }) },
    { name: 'another prompt', request: makeRequest({ prompt: 'Read.' }) },
    { name: 'a new profile version', request: makeRequest({ model: makeModel({ version: 2 }) }) },
  ]) {
    it(`changes with ${name}`, () => assert.notEqual(questionKey(request), question))
  }
})

describe('who finds an answer', () => {
  const of = (key: string) => makeRequest({ turn: { lane: 'interactive', key, request: 'req_1' } })
  const keysOf = (request: OcrRequest, partition: CachePartition) =>
    [pageKeys(request, document, 'pdfjs 1', partition)(1), partitionedQuestionKey(request, partition)] as const

  it('is everybody, unless the keys are told apart', () => {
    assert.deepEqual(keysOf(of('ada'), shared), keysOf(of('bob'), shared))
    const scoped: CachePartition = { salt: null, scope: 'key' }
    assert.deepEqual(keysOf(of('ada'), scoped), keysOf(of('ada'), scoped))
    const [ada, bob] = [keysOf(of('ada'), scoped), keysOf(of('bob'), scoped)]
    assert.ok(ada.every((key, index) => key !== bob[index]))
    // Nobody finds what was kept for everybody, and the other way round.
    assert.ok(ada.every((key, index) => key !== keysOf(of('ada'), shared)[index]))
  })

  it('depends on the salt', () => {
    const salted = (salt: string, scope: CachePartition['scope'] = 'shared') => keysOf(of('ada'), { salt, scope })
    const all = [keysOf(of('ada'), shared), salted('one'), salted('two'), salted('one', 'key')]
    assert.equal(new Set(all.flat()).size, 8)
    assert.deepEqual(salted('one'), salted('one'))
  })

  it('is the same as before for whoever sets neither: what is kept stays a hit', () => {
    assert.equal(base, '80b8776dfa1f7298f284d3f866f355ebc1778aa780d0bc99b5f83efc70a0db1f')
  })
})

function withModel(parts: object): string {
  return pageKey(makeRequest({ model: { ...makeModel(), ...parts } }), document, 1, 'pdfjs 1')
}

function withProfile(parts: Parameters<typeof makeModel>[0]): string {
  return pageKey(makeRequest({ model: makeModel(parts) }), document, 1, 'pdfjs 1')
}
