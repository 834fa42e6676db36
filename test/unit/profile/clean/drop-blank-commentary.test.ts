import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dropBlankCommentary } from '../../../../gateway/profile/clean/drop-blank-commentary.ts'

describe('the remark on a blank page', () => {
  const dropped = [
    'There is no content in the provided image to convert into Markdown format.',
    '\nThere is no content in the provided image to convert into Markdown format. The image appears to be blank.\n',
    'there is no content in the provided image.',
  ]
  for (const text of dropped) it(`is dropped: ${text.trim()}`, () => assert.equal(dropBlankCommentary(text), ''))

  const kept = [
    { name: 'a page that quotes it', text: '# Errors\n\nThere is no content in the provided image.' },
    { name: 'a page that begins with it', text: 'There is no content in the provided image.\n\nSection 2' },
    {
      name: 'a paragraph that begins with it',
      text: `There is no content in the provided image ${'and so on '.repeat(30)}`,
    },
    { name: 'another sentence', text: 'There is no content.' },
    { name: 'an empty answer', text: '' },
  ]
  for (const { name, text } of kept) it(`is not found in ${name}`, () => assert.equal(dropBlankCommentary(text), text))
})
