import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { layerText, layerToMarkdown } from '../../../../gateway/read/evidence/layer-to-markdown.ts'

describe('a text layer as Markdown', () => {
  const rows: readonly { name: string; layer: string; markdown: string }[] = [
    {
      name: 'keeps lines, and one empty line between paragraphs',
      layer: 'One  two\t\nthree\n\n\n\nfour ',
      markdown: 'One two\nthree\n\nfour',
    },
    { name: 'joins a word that was split at a line end', layer: 'recog\u00ADnition', markdown: 'recognition' },
    {
      name: 'escapes marks',
      layer: '5 * 4 `x` ~~y~~ <b> a\\*b',
      markdown: '5 \\* 4 \\`x\\` \\~~y\\~~ \\<b> a\\\\\\*b',
    },
    { name: 'escapes dollars, which would begin a formula', layer: 'from $5 to $6', markdown: 'from \\$5 to \\$6' },
    {
      name: 'escapes links and entities, and nothing that is neither',
      layer: '[1](x) [2] a && b &amp; 1 < 2',
      markdown: '[1\\](x) [2] a && b \\&amp; 1 < 2',
    },
    {
      name: 'escapes underscores only at the edge of words',
      layer: '_init_ snake_case',
      markdown: '\\_init\\_ snake_case',
    },
    {
      name: 'escapes what would make a line a heading, a quotation or a rule',
      layer: '# 5\n> six\n---\n===',
      markdown: '\\# 5\n\\> six\n\\---\n\\===',
    },
    { name: 'leaves lists', layer: '- one\n2. two', markdown: '- one\n2. two' },
  ]
  for (const { name, layer, markdown } of rows)
    it(name, () => {
      assert.equal(layerToMarkdown(layer), markdown)
    })

  it('gives the text of the layer again', () => {
    const layer = 'Price: $5 * 4 = $20 <net>, see [a](b) & c_d, _e_ #7\n# 8\n**x** \\*y &amp; `z` \\\nC:\\*.txt'
    assert.equal(layerText(layerToMarkdown(layer)), layer)
  })
})
