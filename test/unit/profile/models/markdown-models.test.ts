import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { glmocr } from '../../../../gateway/profile/models/glm-ocr.ts'
import { infinityParser2 } from '../../../../gateway/profile/models/infinity-parser.ts'
import { nanonets2 } from '../../../../gateway/profile/models/nanonets.ts'
import { olmocr2 } from '../../../../gateway/profile/models/olmocr.ts'
import { ovisocr2 } from '../../../../gateway/profile/models/ovisocr.ts'
import { paddleocrVl1 } from '../../../../gateway/profile/models/paddleocr-vl.ts'

const HEAD = `---
primary_language: en
is_rotation_valid: True
rotation_correction: 0
is_table: False
is_diagram: False
---`

const olmocr = [
  { name: 'the head is dropped', raw: `${HEAD}\n# A\n\nb`, text: '# A\n\nb' },
  { name: 'the head alone leaves nothing', raw: HEAD, text: '' },
  { name: 'a rule of the page stays', raw: '---\n\nA\n\n---\n\nB', text: '---\n\nA\n\n---\n\nB' },
  { name: 'a head of the page itself stays', raw: '---\ntitle: A\n---\nB', text: '---\ntitle: A\n---\nB' },
  { name: 'a head without an end stays', raw: '---\nprimary_language: en\nA', text: '---\nprimary_language: en\nA' },
  {
    name: 'the page behind the head may have one of its own',
    raw: `${HEAD}\n---\ntitle: A\n---`,
    text: '---\ntitle: A\n---',
  },
]

describe('olmOCR 2', () => {
  for (const { name, raw, text } of olmocr) it(name, () => assert.equal(olmocr2.clean(raw, 'document'), text))

  it('sees the text before the image, and tries as its own client does', () => {
    assert.equal(olmocr2.layout.order, 'text-then-image')
    const temperatures = olmocr2.ladder.map(({ temperature = olmocr2.sampling.temperature }) => temperature)
    assert.deepEqual(temperatures, [0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 1])
  })
})

describe('OvisOCR2', () => {
  it('has pictures that are named after their places', () => {
    const raw =
      '# A\n\n<img src="images/bbox_112_80_640_455.jpg" />\n\nText\n\n<img src="images/bbox_0_500_999_999.jpg"/>'
    const text = '# A\n\n![](image_1.png)112,80,640,455\n\nText\n\n![](image_2.png)0,500,999,999'
    assert.equal(ovisocr2.clean(raw, 'document'), text)
    assert.equal(ovisocr2.clean(text, 'document'), text)
    assert.deepEqual(ovisocr2.findImages?.(text)[0]?.box, { left: 0.112, top: 0.08, right: 0.64, bottom: 0.455 })
  })

  it('keeps other pictures, and loses its thoughts', () => {
    const other = '<img src="logo.png" /> <img src="images/bbox_1_2.jpg" />'
    assert.equal(ovisocr2.clean(other, 'document'), other)
    assert.equal(ovisocr2.clean('<think>\nhm\n</think>\n\nA', 'document'), 'A')
    assert.equal(ovisocr2.clean('The tag <think>x</think> stays', 'document'), 'The tag <think>x</think> stays')
    assert.equal(ovisocr2.clean('<think>never ends', 'document'), '<think>never ends')
  })

  it('keeps one copy of a repeated end as its card says: five of at most 200 characters, 100 in all, from 8,000 on', () => {
    // Without any repetition: 8,192 characters.
    const page = Array.from({ length: 1024 }, (_, line) => `${String(line * 7919).padStart(7, '0')}\n`).join('')
    const row = '<tr><td>same</td></tr>'
    assert.equal(ovisocr2.clean(page + row.repeat(5), 'document'), page + row)
    assert.equal(ovisocr2.clean(page + row.repeat(4), 'document'), page + row.repeat(4))
    assert.equal(ovisocr2.clean(page + '. '.repeat(20), 'document'), page + '. '.repeat(20))
    assert.equal(ovisocr2.clean(row.repeat(9), 'document'), row.repeat(9))
  })
})

describe('Infinity-Parser2', () => {
  const answer =
    '```json\n[{"bbox": [100, 20, 900, 40], "category": "header", "text": "Head"}, {"bbox": [100, 50, 900, 90], "category": "title", "text": "# T"}, {"bbox": [100, 100, 500, 400], "category": "figure", "text": ""}, {"bbox": [1, 410, 900, 480], "category": "formula", "text": "$$x$$"}]\n```'

  it('is read as Markdown, with places in thousandths', () => {
    const markdown = 'Head\n\n# T\n\n![](image_1.png)100,100,500,400\n\n$$x$$'
    assert.equal(infinityParser2.clean(answer, 'document'), markdown)
    assert.equal(infinityParser2.clean(markdown, 'document'), markdown)
  })

  it('marks every block in the task layout, and writes Markdown itself when asked', () => {
    const laid = infinityParser2.clean(answer, 'layout')
    assert.deepEqual(infinityParser2.findBlocks?.(laid).map(({ label }) => label), ['header', 'title', 'image', 'formula']) // prettier-ignore
    assert.equal(infinityParser2.clean('```markdown\n# A\n```', 'markdown'), '# A')
    assert.equal(infinityParser2.clean(answer.slice(8, -4), 'markdown'), answer.slice(8, -4))
  })

  it('of an answer that was cut within its fence keeps what is whole', () =>
    assert.equal(infinityParser2.clean(answer.slice(0, 170), 'document'), 'Head\n\n# T'))
})

describe('Nanonets-OCR2', () => {
  it('has its tags unwrapped, and no word is lost', () => {
    const raw =
      '<watermark>OFFICIAL COPY</watermark>\n\nText ☑\n\n<img>A [red] logo</img>\n\n<page_number>9/22</page_number>'
    const text = 'OFFICIAL COPY\n\nText ☑\n\n![A red logo](image_1.png)\n\n9/22'
    assert.equal(nanonets2.clean(raw, 'document'), text)
    assert.equal(nanonets2.clean(text, 'document'), text)
    assert.equal(nanonets2.clean('<img>never closed', 'document'), '<img>never closed')
  })
})

describe('PaddleOCR-VL and GLM-OCR', () => {
  it('have tables in HTML', () => {
    const otsl = '<fcel>a<fcel>b<nl><fcel>c<ecel><nl>'
    assert.match(paddleocrVl1.clean(otsl, 'table'), /^<table>.*a.*b.*c.*<\/table>$/s)
    assert.equal(paddleocrVl1.clean('Plain text', 'document'), 'Plain text')
    assert.equal(glmocr.clean('```html\n<table></table>\n```', 'table'), '<table></table>')
  })

  it('try again without top_k 1, which leaves no choice', () => {
    assert.equal(glmocr.sampling.top_k, 1)
    for (const rung of glmocr.ladder.slice(1)) assert.equal(rung.top_k, -1)
  })
})
