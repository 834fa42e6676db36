import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { targetSize } from '../../../../gateway/page/target-size.ts'
import { hunyuanocr10, hunyuanocr10Chinese, hunyuanocr15 } from '../../../../gateway/profile/models/hunyuanocr.ts'

describe('HunyuanOCR', () => {
  it('gets an empty system message and the image before the text', () => {
    for (const profile of [hunyuanocr10, hunyuanocr10Chinese, hunyuanocr15])
      assert.deepEqual(profile.layout, { system: '', order: 'image-then-text' })
  })

  it('is sampled as its own clients do', () => {
    assert.deepEqual(hunyuanocr10.sampling, {
      temperature: 0,
      top_p: 0.95,
      top_k: 1,
      repetition_penalty: 1,
      seed: 1234,
    })
    assert.deepEqual(hunyuanocr15.sampling, { temperature: 0, top_p: 1, top_k: -1, repetition_penalty: 1.08 })
    assert.deepEqual(hunyuanocr15.extraBody, { skip_special_tokens: true })
  })

  const pages = [
    { name: 'A4', page: { width: 595.28, height: 841.89, unit: 'pt' }, width: 1654, height: 2339, tokens: 3871 },
    { name: 'US Letter', page: { width: 612, height: 792, unit: 'pt' }, width: 1700, height: 2200, tokens: 3728 },
    { name: 'A0, capped', page: { width: 2384, height: 3370, unit: 'pt' }, width: 1723, height: 2434, tokens: 4106 },
    {
      name: 'a thumbnail, enlarged by the model',
      page: { width: 64, height: 64, unit: 'px' },
      width: 64,
      height: 64,
      tokens: 274,
    },
  ] as const
  for (const { name, page, width, height, tokens } of pages)
    it(`sees ${name} at 200 dots per inch within four megapixels`, () => {
      assert.deepEqual(targetSize(page, hunyuanocr15.pixelBudget), { width, height })
      assert.equal(hunyuanocr15.imageTokens({ width, height }), tokens)
    })

  it('is asked for fields as its examples ask', () => {
    assert.equal(
      hunyuanocr10.tasks['extract']?.textForFields?.(['单价', '上车时间', '总金额']),
      "Extract the content of the fields: ['单价', '上车时间', '总金额'] from the image and return it in JSON format.",
    )
    assert.equal(
      hunyuanocr15.tasks['extract']?.textForFields?.(["Driver's name", 'a "b"', 'both \'"', 'back\\slash']),
      `提取图片中的: ["Driver's name", 'a "b"', 'both \\'"', 'back\\\\slash'] 的字段内容，并按照JSON格式返回。`,
    )
  })

  it('answers fields with JSON, fenced or not', () => {
    const json = '{\n    "单价": "3.00"\n}'
    for (const profile of [hunyuanocr10, hunyuanocr15]) {
      assert.equal(profile.clean('```json\n' + json + '\n```', 'extract'), json)
      assert.equal(profile.clean(json, 'extract'), json)
      assert.equal(profile.tasks['extract']?.json, true)
    }
  })

  it('keeps what is no mistake: a Mermaid chart, and coordinates behind a figure', () => {
    const chart = '```mermaid\ngraph TD\n  A --> B\n```'
    assert.equal(hunyuanocr15.clean(chart, 'chart'), chart)
    const figure = 'Text.\n\n(39,337),(512,900)'
    assert.equal(hunyuanocr15.clean(figure, 'document'), figure)
  })

  it('keeps one copy of what a looping answer repeats, from the length on at which its own tools do', () => {
    const start = `# 报告\n\n${'正文。'.repeat(5)}`
    const looping = start + '重复的句子。'.repeat(400)
    assert.equal(hunyuanocr15.clean(looping, 'document'), `${start}重复的句子。`)
    assert.equal(hunyuanocr10.clean(looping, 'document'), looping)
    assert.equal(hunyuanocr10.clean(start + '重复的句子。'.repeat(2000), 'document'), `${start}重复的句子。`)
  })
})

describe("HunyuanOCR's prompts are its authors' bytes", () => {
  // SHA-256, first 16 digits, of the texts in the two files that models/hunyuanocr.ts names: a changed byte is a worse page.
  const digests = [
    {
      profile: hunyuanocr10,
      tasks: {
        document: '990fe8e78744bbb5',
        text: '83c9016d72e67991',
        table: 'bed0c56f9ecf7671',
        formula: '07577e081d931c27',
        chart: '4b5c9d41af86b80a',
        spotting: '17bcdce66f64f55d',
        subtitles: '69fbb89b3f3f05d7',
        translate: 'd032045d5f1d5b6a',
      },
    },
    {
      profile: hunyuanocr10Chinese,
      tasks: {
        document: '6242a7dc5f7da869',
        text: 'ed471d18b8266adb',
        table: '216412215a6db75e',
        formula: '0f6e0891806fb38b',
        chart: 'da9a10962e16aae3',
        spotting: '9d5efb395cfbe2ab',
        subtitles: 'd510243dc5d47e52',
        translate: 'be96ab0aaccebe8b',
      },
    },
    {
      profile: hunyuanocr15,
      tasks: {
        document: '16f15a15a1eb5181',
        text: 'ed471d18b8266adb',
        table: '57324c7f31defb97',
        formula: '4e79e42648a4252d',
        chart: '0d37a14f1b5a3320',
        spotting: '5f5f7c04b71aa98f',
        spotting_text: '9d5efb395cfbe2ab',
        layout: '7f0aead1c6dcac74',
        document_layout: '915ac071db0a2eec',
        translate: '7781c97c9640a165',
        translate_zh: '9d4c227aab2dc1b1',
        translate_document_zh: 'bc41d6e8a350b7a0',
      },
    },
  ]
  for (const { profile, tasks } of digests)
    it(profile.id, () => {
      const prompts = Object.entries(profile.tasks).filter(([, { text }]) => text !== null)
      const sums = prompts.map(([name, { text }]) => [
        name,
        createHash('sha256')
          .update(text ?? '')
          .digest('hex')
          .slice(0, 16),
      ])
      assert.deepEqual(Object.fromEntries(sums), tasks)
    })
})
