import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blockTypeOf } from '../../../../gateway/ocr/structure/block-label.ts'

describe('what models call their blocks', () => {
  for (const [label, type] of [
    ['title', 'title'],
    ['section', 'heading'],
    ['Section-header', 'heading'],
    ['chart', 'table'],
    ['Picture', 'figure'],
    ['formula', 'formula'],
    ['Page-footer', 'footer'],
    ['aside_text', 'text'],
    ['constructor', 'text'],
  ] as const)
    it(`is a type: ${label}`, () => assert.equal(blockTypeOf({ label, isAbove: false }), type))

  it('is a header or a footer, of a page number', () => {
    assert.equal(blockTypeOf({ label: 'page_number', isAbove: true }), 'header')
    assert.equal(blockTypeOf({ label: 'page_number', isAbove: false }), 'footer')
  })
})
