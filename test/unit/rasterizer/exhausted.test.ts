import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '../../../gateway/errors.ts'
import { createExhausted } from '../../../gateway/rasterizer/exhausted.ts'

const tooLong = (page: number) => new GatewayError('page_timeout', `Page ${page} took longer than 60 s.`)
const tooLarge = new GatewayError('page_too_large', 'Page 7 takes more than 512 MB.')

describe('what exhausted a drawer', () => {
  it('is refused by page: other pages and other documents are not', () => {
    const exhausted = createExhausted()
    assert.equal(exhausted.notePage('one', 7, tooLarge), false)
    const failure = exhausted.ofPage('one', 7)
    assert.equal(failure?.code, 'page_too_large')
    assert.match(failure.message, /^Page 7 takes more than 512 MB\. .* 10 minutes/)
    assert.equal(exhausted.ofPage('one', 8), null)
    assert.equal(exhausted.ofPage('two', 7), null)
  })

  it('is the whole document after three pages that took too long, with what those that failed had', () => {
    const exhausted = createExhausted()
    exhausted.notePage('one', 9, tooLarge)
    assert.deepEqual(
      [1, 2, 3, 4].map((page) => exhausted.notePage('one', page, tooLong(page))),
      [false, false, true, true],
    )
    assert.match(exhausted.ofPage('one', 2)?.message ?? '', /^Page 2 took/)
    assert.match(exhausted.ofPage('one', 50)?.message ?? '', /^The page was not drawn, as 3 pages/)
    assert.equal(exhausted.ofPage('one', 9)?.code, 'page_too_large')
  })

  it('is a document that cannot be opened, for those who find out its hash', () => {
    const exhausted = createExhausted()
    exhausted.noteDocument('one', new GatewayError('document_unreadable', 'Opening took longer than 60 s.'))
    const [refused] = exhausted.documents
    assert.equal(refused?.sha256, 'one')
    assert.equal(refused.code, 'document_unreadable')
  })

  it('is forgotten when there is too much of it', () => {
    const exhausted = createExhausted()
    for (let number = 0; number < 2000; number++) exhausted.notePage(`${number}`, 1, tooLarge)
    assert.equal(exhausted.ofPage('0', 1), null)
    assert.equal(exhausted.ofPage('1999', 1)?.code, 'page_too_large')
  })
})
