import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { graniteDocling } from '../../../../gateway/profile/models/granite-docling.ts'

// The form of the model's answers: runs of places, tables in OTSL without end tags, captions within.
const answer = `<doctag><page_header><loc_159><loc_59><loc_366><loc_65>Running Title</page_header>
<text><loc_109><loc_75><loc_393><loc_96>Intro paragraph.</text>
<section_header_level_1><loc_110><loc_106><loc_260><loc_112>5.1 Optimization</section_header_level_1>
<otsl><loc_114><loc_212><loc_388><loc_297><ched>A<ched>B<nl><fcel>1<fcel>2<nl><caption><loc_109><loc_173><loc_393><loc_206>Table 1.</caption></otsl>
<unordered_list><list_item><loc_1><loc_2><loc_3><loc_4>• First</list_item>
<list_item>Second</list_item></unordered_list>
<ordered_list><list_item>One</list_item><list_item>Two</list_item></ordered_list>
<formula><loc_1><loc_2><loc_3><loc_4>w = \\frac { M } { N } 1 0 0</formula>
<code><loc_1><loc_2><loc_30><loc_40><_Python_>x = 1
y = a<b</code>
<picture><loc_50><loc_100><loc_250><loc_500><bar_chart><caption><loc_1><loc_2><loc_3><loc_4>Fig 1.</caption></picture>
<page_footer><loc_449><loc_470><loc_456><loc_477>5</page_footer>
</doctag><end_of_utterance>`

describe('Granite-Docling', () => {
  it('is read as Markdown: headings, lists, tables, code and pictures', () => {
    const markdown = graniteDocling.clean(answer, 'document')
    const parts = markdown.split('\n\n')
    assert.deepEqual(parts.slice(0, 4), ['Running Title', 'Intro paragraph.', '## 5.1 Optimization', 'Table 1.'])
    assert.match(parts[4] ?? '', /^<table>.*<th[^>]*>A<\/th>.*<td>1<\/td>.*<\/table>$/s)
    assert.deepEqual(parts.slice(5), [
      '- First\n- Second\n1. One\n2. Two',
      '$$\nw = \\frac { M } { N } 1 0 0\n$$',
      '```python\nx = 1\ny = a<b\n```',
      '![](image_1.png)100,200,500,1000',
      'Fig 1.',
      '5',
    ])
    assert.equal(graniteDocling.clean(markdown, 'document'), markdown)
  })

  it('marks every block in the task layout', () => {
    const laid = graniteDocling.clean(answer, 'layout')
    const labels = graniteDocling.findBlocks?.(laid).map(({ label }) => label)
    assert.deepEqual(labels, [
      'header',
      'text',
      'section',
      'caption',
      'table',
      'list',
      'formula',
      'code',
      'image',
      'caption',
      'footer',
    ])
  })

  for (const { name, raw, text, task = 'document' } of [
    {
      name: 'that was cut off',
      raw: '<doctag><text><loc_1><loc_2><loc_3><loc_4>One</text>\n<text><loc_1><lo',
      text: 'One\n\n<lo',
    },
    { name: 'without ends', raw: '<doctag><title><loc_1><loc_2><loc_3><loc_4>A<text>b<text>c', text: '# A\n\nb\n\nc' },
    { name: 'that is no DocTags', raw: 'Plain <b>text</b> of a page', text: 'Plain <b>text</b> of a page' },
    { name: 'of a formula', raw: 'x^2<end_of_utterance>', text: 'x^2', task: 'formula' },
    {
      name: 'with a place that is none',
      raw: '<doctag><picture><loc_400><loc_2><loc_3><loc_4></picture>',
      text: '![](image_1.png)',
    },
    {
      name: 'with boxes to tick',
      raw: '<doctag><checkbox_selected><loc_1><loc_2><loc_3><loc_4>yes</checkbox_selected><checkbox_unselected>no</checkbox_unselected>',
      text: '☑ yes\n\n☐ no',
    },
  ])
    // prettier-ignore
    it(`an answer ${name}`, () => assert.equal(graniteDocling.clean(raw, task), text))

  it('takes no time over a long answer', () => {
    const startedAt = performance.now()
    for (const hostile of ['<text>', '<otsl><fcel>', '</text>', '<ordered_list>', '<loc_1>', '<caption>', '<'])
      graniteDocling.clean(`<doctag>${hostile.repeat(150_000)}`, 'document')
    assert.ok(performance.now() - startedAt < 5000, String(performance.now() - startedAt))
  })
})
