import type { SeededRandom } from './seeded-random.ts'

/** Pieces of Markdown as models write it, and as nobody should. */
const PIECES = [
  '# Heading',
  '## Another *one*',
  'A sentence. Another one! And, e.g., a third? ',
  '中文的句子。还有一句！',
  '- item',
  '  - item within',
  '1. first',
  '> quoted',
  '| a | b |',
  '|---|---|',
  '| 1 | 2 |',
  '<table><tr><td>1</td></tr>',
  '</table>',
  '<tr><td rowspan="2">x</td></tr>',
  '```',
  '~~~',
  '$$',
  '\\[ x \\]',
  '$a$',
  '![image](image_1.png)10,20,300,400',
  '![text+](1,2,3,4) more',
  '[^1]: a note',
  '[^1]',
  '<!-- remark -->',
  '<!--',
  '<div>',
  '</div>',
  '<h2>Title</h2>',
  '---',
  '===',
  '***',
  '\t',
  '    ',
  '😀',
  '\uFEFF',
  '\u0000',
  '\r\n',
  '\n',
  '\n\n',
  'Figure 1: A cat',
  'Abstract',
  '**',
  '_',
  '`',
  '\\',
  '&amp;',
]

/** Makes a Markdown text of so many pieces. */
export function randomMarkdown(random: SeededRandom, pieces: number): string {
  let text = ''
  for (let index = 0; index < pieces; index += 1)
    text += random.pick(PIECES) + random.pick(['\n', '\n', ' ', '\n\n', ''])
  return text
}
