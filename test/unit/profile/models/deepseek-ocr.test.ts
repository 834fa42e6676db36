import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deepseekocr1, deepseekocr2 } from '../../../../gateway/profile/models/deepseek-ocr.ts'

// The form of answers to the grounded prompt: title, text, image, equation, sub_title, with trailing spaces.
const answer = `<|ref|>title<|/ref|><|det|>[[205, 132, 790, 157]]<|/det|>
# Contexts Optical Compression  

<|ref|>text<|/ref|><|det|>[[350, 187, 646, 203]]<|/det|>
Three authors  

<|ref|>image<|/ref|><|det|>[[120, 300, 875, 504]]<|/det|>
 

<|ref|>image_caption<|/ref|><|det|>[[120, 510, 875, 520]]<|/det|>
<center>Figure 1</center>

<|ref|>sub_title<|/ref|><|det|>[[450, 563, 547, 583]]<|/det|>
## Abstract  

<|ref|>equation<|/ref|><|det|>[[114, 653, 430, 675]]<|/det|>
\\[y' \\coloneqq 1 - y^2.\\]<｜end▁of▁sentence｜>`

describe('DeepSeek-OCR', () => {
  it('has its tags taken off, and its pictures marked', () => {
    const markdown = `# Contexts Optical Compression

Three authors

![](image_1.png)120,300,876,505

<center>Figure 1</center>

## Abstract

\\[y' := 1 - y^2.\\]`
    assert.equal(deepseekocr2.clean(answer, 'document'), markdown)
    assert.equal(deepseekocr2.clean(markdown, 'document'), markdown)
    const [picture] = deepseekocr2.findImages?.(markdown) ?? []
    assert.equal(picture?.name, 'image_1.png')
    assert.ok(Math.abs((picture?.box.left ?? 0) - 120 / 999) < 0.001)
  })

  it('keeps the places of all blocks in the task layout', () => {
    const laid = deepseekocr1.clean(answer, 'layout')
    const blocks = deepseekocr1.findBlocks?.(laid) ?? []
    assert.deepEqual(
      blocks.map(({ label }) => label),
      ['title', 'text', 'image', 'caption', 'section', 'formula'],
    )
    assert.equal(laid.slice(blocks[4]?.textStart, blocks[4]?.end).trim(), '## Abstract')
    assert.equal(deepseekocr1.findImages?.(laid).length, 1)
  })

  for (const { name, raw, text } of [
    { name: 'without tags, of "Free OCR."', raw: 'A receipt\nTotal 5 | x', text: 'A receipt\nTotal 5 | x' },
    {
      name: 'that was cut within a tag',
      raw: '<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nA\n\n<|ref|>im',
      text: 'A',
    },
    { name: 'cut within a place', raw: 'A\n<|ref|>text<|/ref|><|det|>[[1, 2', text: 'A' },
    {
      name: 'with places that are none',
      raw: '<|ref|>image<|/ref|><|det|>[[9, 9, 3, 4]]<|/det|>\nA',
      text: '![](image_1.png)\n\nA',
    },
    {
      name: 'with a picture that reaches over the edge',
      raw: '<|ref|>image<|/ref|><|det|>[[9, 9, 1300, 4000]]<|/det|>',
      text: '![](image_1.png)9,9,1000,1000',
    },
    { name: 'with a lone end of a tag', raw: 'A <|/det|> B', text: 'A  B' },
  ])
    // prettier-ignore
    it(`an answer ${name}`, () => assert.equal(deepseekocr1.clean(raw, 'document'), text))

  it('is asked for n-grams as its versions were run', () => {
    const whitelist_token_ids = [128_821, 128_822]
    assert.deepEqual(deepseekocr1.extraBody['vllm_xargs'], { ngram_size: 30, window_size: 90, whitelist_token_ids })
    assert.deepEqual(deepseekocr2.extraBody['vllm_xargs'], { ngram_size: 20, window_size: 50, whitelist_token_ids })
  })
})
