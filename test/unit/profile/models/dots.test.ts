import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dotsMocr, dotsOcr } from '../../../../gateway/profile/models/dots.ts'

const size = { width: 1654, height: 2339 }

// The form of answers to prompt_layout_all_en; places are in pixels of the image as it was resized: 1652 × 2352.
const elements = [
  { bbox: [83, 40, 800, 70], category: 'Page-header', text: 'J. Graph Theory' },
  { bbox: [83, 120, 1570, 190], category: 'Title', text: '# Spectral Sparsifiers' },
  { bbox: [83, 235, 800, 300], category: 'Text', text: 'Let $G=(V,E)$ be a "graph".' },
  { bbox: [83, 310, 800, 350], category: 'Formula', text: 'L = D - A' },
  { bbox: [165.2, 470.4, 826, 1176], category: 'Picture' },
  { bbox: [83, 1200, 800, 1230], category: 'Caption', text: 'Figure 1: a graph' },
  { bbox: [83, 1240, 800, 1260], category: 'List-item', text: '- one' },
  { bbox: [83, 1270, 800, 1290], category: 'List-item', text: '- two' },
  { bbox: [83, 1300, 1570, 1500], category: 'Table', text: '<table><tr><td>1</td></tr></table>' },
  { bbox: [800, 2300, 850, 2330], category: 'Page-footer', text: '7' },
]
const answer = JSON.stringify(elements)

const markdown = `J. Graph Theory

# Spectral Sparsifiers

Let $G=(V,E)$ be a "graph".

$$
L = D - A
$$

![](image_1.png)100,200,500,500

Figure 1: a graph

- one
- two

<table><tr><td>1</td></tr></table>

7`

describe('dots.ocr and dots.mocr', () => {
  it('are read as Markdown, their pictures with places in the image that was sent', () => {
    for (const profile of [dotsOcr, dotsMocr]) assert.equal(profile.clean(answer, 'document', size), markdown)
    assert.equal(dotsOcr.clean(`\`\`\`json\n${answer}\n\`\`\``, 'document', size), markdown)
    assert.equal(dotsOcr.clean(markdown, 'document', size), markdown)
    assert.deepEqual(dotsOcr.findImages?.(markdown)[0]?.box, { left: 0.1, top: 0.2, right: 0.5, bottom: 0.5 })
  })

  it('without the size of an image, of a tile, have no places', () => {
    assert.equal(dotsOcr.clean(answer, 'document'), markdown.replace('100,200,500,500', ''))
    assert.ok(!dotsOcr.clean(answer, 'layout').includes('![text]'))
  })

  it('mark every block in the task layout, headers and footers by their names', () => {
    const laid = dotsOcr.clean(answer, 'layout', size)
    const labels = dotsOcr.findBlocks?.(laid).map(({ label }) => label)
    assert.deepEqual(labels, [
      'header',
      'title',
      'text',
      'formula',
      'image',
      'caption',
      'list',
      'list',
      'table',
      'footer',
    ])
  })

  it('of a list that was cut off keep what is whole', () => {
    const cut = answer.slice(0, answer.indexOf('Figure 1') + 5)
    const kept = dotsOcr.clean(cut, 'document', size)
    assert.ok(kept.endsWith('![](image_1.png)100,200,500,500'), kept)
    const around = `{"elements": ${cut}`
    assert.equal(dotsOcr.clean(around, 'document', size), kept)
    assert.equal(dotsOcr.clean(`{"elements": ${answer}}`, 'document', size), markdown)
  })

  for (const { name, raw } of [
    { name: 'no JSON', raw: 'Just a line [1] of text {x}' },
    { name: 'a list of something else', raw: '[1, 2, 3]' },
    { name: 'JSON that the page shows', raw: '{"name": "config", "list": [{"a": 1}]}' },
    { name: 'a beginning alone', raw: '[{"bbox": [1, 2' },
  ])
    it(`an answer that is ${name} stays as it is`, () => assert.equal(dotsOcr.clean(raw, 'document', size), raw))

  it('survive boxes that are none, texts that are no texts and unknown names', () => {
    const odd = [
      { bbox: [9, 9, 1, 1], category: 'Picture' },
      { bbox: 'x', category: 'Picture' },
      { bbox: [1, 2, 3], category: 5, text: 'a' },
      { bbox: [0, 0, 1e9, null], category: 'Nothing', text: { b: 1 } },
      { category: 'Text', text: 'c' },
    ]
    const text = '![](image_1.png)\n\n![](image_2.png)\n\na\n\nc'
    assert.equal(dotsOcr.clean(JSON.stringify(odd), 'document', size), text)
  })

  it('take no time over a long answer', () => {
    const startedAt = performance.now()
    for (const hostile of ['['.repeat(900_000), `[${'{"bbox":'.repeat(100_000)}`, `[{"text":"${'\\"'.repeat(400_000)}`, 'x'.repeat(5_000_000), `[${'{'.repeat(500_000)}${'}'.repeat(400_000)}`])
      dotsOcr.clean(hostile, 'document', size)
    assert.ok(performance.now() - startedAt < 3000, String(performance.now() - startedAt))
  }) // prettier-ignore
})
