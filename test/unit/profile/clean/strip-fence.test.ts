import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripFence } from '../../../../gateway/profile/clean/strip-fence.ts'

const languages = ['markdown', 'md']

describe('a fence around the whole answer', () => {
  const stripped = [
    { name: 'without a language', raw: '```\n# A\n\nb\n```', text: '# A\n\nb' },
    { name: 'called markdown', raw: '```markdown\n# A\n```', text: '# A' },
    { name: 'called MD, with white space around', raw: '\n ```MD \n# A\n```  \n\n', text: '# A' },
    { name: 'of four ticks', raw: '````markdown\n```sh\nls\n```\n````', text: '```sh\nls\n```' },
    {
      name: 'with a whole listing inside',
      raw: '```markdown\na\n```sh\nls\n```\nb\n```',
      text: 'a\n```sh\nls\n```\nb',
    },
    { name: 'twice', raw: '```markdown\n```\n# A\n```\n```', text: '# A' },
    { name: 'around nothing', raw: '```markdown\n```', text: '' },
    { name: 'with Windows line ends', raw: '```markdown\r\n# A\r\n```\r\n', text: '# A\r' },
  ]
  for (const { name, raw, text } of stripped)
    it(`comes off: ${name}`, () => assert.equal(stripFence(raw, languages), text))

  const kept = [
    { name: 'a page that is one listing', text: '```python\nx = 1\n```' },
    { name: 'two listings', text: '```\na\n```\ntext\n```\nb\n```' },
    { name: 'two listings called markdown', text: '```markdown\na\n```\ntext\n```markdown\nb\n```' },
    { name: 'text before it', text: 'Here:\n```markdown\n# A\n```' },
    { name: 'text behind it', text: '```markdown\n# A\n```\nDone.' },
    { name: 'an answer cut off', text: '```markdown\n# A' },
    { name: 'one fence line alone', text: '```' },
    { name: 'inline code', text: '```x``` and ```' },
  ]
  for (const { name, text } of kept)
    it(`is no such thing: ${name}`, () => assert.equal(stripFence(text, languages), text))
})
