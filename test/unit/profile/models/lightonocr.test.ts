import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { targetSize } from '../../../../gateway/page/target-size.ts'
import {
  lightonocr1,
  lightonocr2,
  lightonocr2Bbox,
  lightonocr3,
  lightonocr3Small,
} from '../../../../gateway/profile/models/lightonocr.ts'

const a4 = { width: 595.28, height: 841.89, unit: 'pt' } as const
const letter = { width: 612, height: 792, unit: 'pt' } as const

describe('LightOnOCR', () => {
  it('is shown the page image alone: no system message, no text', () => {
    for (const profile of [lightonocr1, lightonocr2, lightonocr2Bbox, lightonocr3Small, lightonocr3]) {
      assert.equal(profile.layout.system, null)
      assert.equal(profile.tasks.document.text, null)
      assert.equal(profile.freePrompt, false)
      assert.deepEqual(profile.extraBody, { chat_template_kwargs: { enable_thinking: false } })
    }
  })

  it('has a layout task from version 3 on, and its prompt is one word behind the image', () => {
    for (const { tasks, layout } of [lightonocr1, lightonocr2, lightonocr2Bbox]) {
      assert.deepEqual(Object.keys(tasks), ['document'])
      assert.equal(layout.order, 'image-only')
    }
    for (const { tasks, layout } of [lightonocr3Small, lightonocr3]) {
      assert.equal(tasks['layout']?.text, 'grounding')
      assert.equal(layout.order, 'image-then-text')
    }
  })

  it('is sampled as its cards say: version 3 with top_p 1', () => {
    assert.deepEqual(lightonocr2.sampling, { temperature: 0.2, top_p: 0.9 })
    assert.deepEqual(lightonocr3.sampling, { temperature: 0.2, top_p: 1 })
    assert.deepEqual(lightonocr3Small.sampling, { temperature: 0.2, top_p: 1 })
  })

  const sizes = [
    {
      name: 'A4 for the Pixtral models',
      profile: lightonocr2,
      page: a4,
      size: { width: 1089, height: 1540 },
      tokens: 2145,
    },
    {
      name: 'US Letter for them',
      profile: lightonocr2,
      page: letter,
      size: { width: 1190, height: 1540 },
      tokens: 2365,
    },
    { name: '3-1B like them', profile: lightonocr3Small, page: a4, size: { width: 1089, height: 1540 }, tokens: 2145 },
    {
      name: 'A4 for 3-0.8B and 3-4B',
      profile: lightonocr3,
      page: a4,
      size: { width: 1448, height: 2048 },
      tokens: 2944,
    },
  ]
  for (const { name, profile, page, size, tokens } of sizes)
    it(`gets the size and costs the tokens that the model was trained on: ${name}`, () => {
      assert.deepEqual(targetSize(page, profile.pixelBudget), size)
      assert.equal(profile.imageTokens(size), tokens)
    })

  const answers = [
    { name: 'math in escaped dollars', task: 'document', raw: 'where \\$x_i\\$ is', text: 'where $x_i$ is' },
    {
      name: 'a fence around the whole page',
      task: 'document',
      raw: '```markdown\n# A\n\ntext\n```\n',
      text: '# A\n\ntext',
    },
    {
      name: 'the remark on a blank page',
      task: 'document',
      raw: 'There is no content in the provided image to convert into Markdown format. The image is blank.',
      text: '',
    },
    {
      name: 'image placeholders with boxes',
      task: 'document',
      raw: 'Text\n\n![image](image_1.png) 112,80,640,455\n\n![image](image_2.png)0,0,1000,99',
      text: 'Text\n\n![image](image_1.png) 112,80,640,455\n\n![image](image_2.png)0,0,1000,99',
    },
    {
      name: 'layout blocks, their math repaired',
      task: 'layout',
      raw: '![title](113,608,263,623) ## Loss \\$L\\$\n![text+](112,640,882,698) costs \\$5',
      text: '![title](113,608,263,623) ## Loss $L$\n![text+](112,640,882,698) costs \\$5',
    },
  ]
  for (const { name, task, raw, text } of answers)
    it(`answers are cleaned: ${name}`, () => assert.equal(lightonocr3.clean(raw, task), text))
})
