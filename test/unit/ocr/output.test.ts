import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainText } from '../../../gateway/ocr/output.ts'

describe('plain text out of Markdown', () => {
  for (const { name, markdown, text } of [
    { name: 'headings keep their case', markdown: '# Über Uhren\n\nText.', text: /^Über Uhren\n+Text\.$/ },
    { name: 'emphasis is dropped', markdown: 'a **bold** and *slanted* `word`', text: /^a bold and slanted word$/ },
    { name: 'list items stay lines', markdown: '- one\n- two', text: /\* one\n \* two/ },
    {
      name: 'an HTML table stays rows',
      markdown: '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>',
      text: /^a +b\nc +d$/,
    },
    {
      name: 'a Markdown table stays rows',
      markdown: '| Item | Price |\n|---|---|\n| Tea | 2.50 |',
      text: /^Item +Price\nTea +2\.50$/,
    },
    { name: 'long lines are not broken', markdown: 'word '.repeat(100).trim(), text: /^(word )+word$/ },
    {
      name: 'image placeholders are dropped',
      markdown: 'before\n\n![image](image_1.png)\n\nafter',
      text: /^before\n+after$/,
    },
    {
      name: 'formulas keep their underscores',
      markdown: 'so $a_1 + b_2 = c_3$ holds',
      text: /^so \$a_1 \+ b_2 = c_3\$ holds$/,
    },
  ]) {
    it(name, () => assert.match(plainText(markdown), text))
  }
})
