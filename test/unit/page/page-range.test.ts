import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { parsePageRange, resolvePages } from '../../../gateway/page/page-range.ts'

describe('a page range', () => {
  const readable = [
    { name: 'one page', text: '7', pageCount: 12, pages: [7] },
    { name: 'the example of the API', text: '1-3,7,10-', pageCount: 12, pages: [1, 2, 3, 7, 10, 11, 12] },
    { name: 'spaces anywhere but inside a number', text: ' 1 - 3 , 7 , 10 - ', pageCount: 10, pages: [1, 2, 3, 7, 10] },
    { name: 'pages out of order', text: '9,2-3', pageCount: 9, pages: [2, 3, 9] },
    { name: 'a page named twice', text: '2,1-3,2-', pageCount: 4, pages: [1, 2, 3, 4] },
    { name: 'a range inside a range', text: '1-5,2-3,6', pageCount: 6, pages: [1, 2, 3, 4, 5, 6] },
    { name: 'a range of one page', text: '4-4', pageCount: 4, pages: [4] },
    { name: 'an open end on the last page', text: '4-', pageCount: 4, pages: [4] },
    { name: 'leading zeros', text: '007', pageCount: 7, pages: [7] },
  ]
  for (const { name, text, pageCount, pages } of readable)
    it(`reads ${name}`, () => assert.deepEqual(resolvePages(parsePageRange(text), pageCount), pages))

  const unreadable = [
    '',
    ' ',
    ',',
    '1,',
    '1,,2',
    '-',
    '-3',
    '0',
    '0-3',
    '3-1',
    '1-0',
    '1.5',
    'all',
    '1–3',
    '1 2',
    '1-2-3',
    '9'.repeat(10),
  ]
  for (const text of unreadable)
    it(`refuses ${JSON.stringify(text)} and says what is valid`, () => {
      assert.throws(
        () => parsePageRange(text),
        (error) => {
          assert.ok(error instanceof GatewayError)
          assert.equal(error.code, 'invalid_value')
          assert.equal(error.param, 'ocr.pages')
          assert.match(error.message, /^ocr\.pages has .+ Give 1-based pages and ranges, such as "1-3,7,10-"/)
          return true
        },
      )
    })

  it('does not repeat a long mistake back at full length', () => {
    assert.throws(
      () => parsePageRange('x'.repeat(1_000_000)),
      (error) => error instanceof GatewayError && error.message.length < 250,
    )
  })
})

describe('the pages of a document', () => {
  it('are all of them when the request names none', () => {
    assert.deepEqual(resolvePages(null, 3), [1, 2, 3])
    assert.deepEqual(resolvePages(null, 0), [])
  })

  const outside = [
    {
      name: 'a page behind the last',
      text: '4',
      pageCount: 3,
      message: /asks for page 4, but the document has 3 pages/,
    },
    {
      name: 'a range that ends behind the last',
      text: '1-4',
      pageCount: 3,
      message: /page 4, but the document has 3 pages/,
    },
    {
      name: 'an open range that begins behind the last',
      text: '5-',
      pageCount: 3,
      message: /page 5, but the document has 3/,
    },
    {
      name: 'a good page beside a bad one',
      text: '1,9',
      pageCount: 1,
      message: /page 9, but the document has 1 page\./,
    },
  ]
  for (const { name, text, pageCount, message } of outside)
    it(`do not include ${name}`, () =>
      assert.throws(
        () => resolvePages(parsePageRange(text), pageCount),
        (error) => {
          assert.ok(error instanceof GatewayError)
          assert.equal(error.code, 'page_out_of_range')
          assert.equal(error.param, 'ocr.pages')
          assert.match(error.message, message)
          return true
        },
      ))

  it('cost nothing when a billion of them are asked for', () => {
    const range = parsePageRange('1-999999999')
    assert.equal(range.length, 1)
    assert.throws(() => resolvePages(range, 3), GatewayError)
  })

  it('are counted once however often a request repeats them', () => {
    const range = parsePageRange(Array.from({ length: 20_000 }, () => '1-2000').join(','))
    assert.equal(resolvePages(range, 2000).length, 2000)
  })
})
