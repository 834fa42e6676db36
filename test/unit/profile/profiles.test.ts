import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseProfile, findProfile, profileIds, profiles } from '../../../gateway/profile/profiles.ts'

const noPins = new Map<string, string>()

const chosen = (root: string, { id = root, parent = null as string | null, pins = noPins } = {}) =>
  chooseProfile({ id, root, parent }, pins)?.id ?? null

describe('a served model gets the profile that its name asks for', () => {
  const names: Record<string, string> = {
    'lightonai/LightOnOCR-1B-1025': 'lightonocr-1',
    'lightonai/LightOnOCR-0.9B-32k-1025': 'lightonocr-1',
    'lightonai/LightOnOCR-0.9B-16k-1025': 'lightonocr-1',
    'lightonai/LightOnOCR-2-1B': 'lightonocr-2',
    'lightonai/LightOnOCR-2-1B-base': 'lightonocr-2',
    'lightonai/LightOnOCR-2-1B-ocr-soup': 'lightonocr-2',
    'lightonai/LightOnOCR-2-1B-bbox': 'lightonocr-2-bbox',
    'lightonai/LightOnOCR-2-1B-bbox-base': 'lightonocr-2-bbox',
    'lightonai/LightOnOCR-2-1B-bbox-soup': 'lightonocr-2-bbox',
    'noctrex/LightOnOCR-2-1B-bbox-soup-GGUF:Q8_0': 'lightonocr-2-bbox',
    'lightonai/LightOnOCR-3-1B': 'lightonocr-3-1b',
    'lightonai/LightOnOCR-3-0.8B': 'lightonocr-3',
    'lightonai/LightOnOCR-3-4B': 'lightonocr-3',
    LIGHTONOCR_3_4B: 'lightonocr-3',
    '/models/LightOnOCR-2-1B-bbox': 'lightonocr-2-bbox',
    '/root/.cache/huggingface/hub/models--lightonai--LightOnOCR-2-1B/snapshots/0f3a1c': 'lightonocr-2',
    '/models/lightonocr-2.gguf': 'lightonocr-2',
    lightonocr: 'lightonocr-2',
    'LightOn-OCR': 'lightonocr-2',
    'tencent/HunyuanOCR': 'hunyuanocr-1.5',
    'tencent/HunyuanOCR/v1.0': 'hunyuanocr-1.0',
    '/models/HunyuanOCR/v1.0/': 'hunyuanocr-1.0',
    'hunyuanocr-1.0': 'hunyuanocr-1.0',
    hunyuan_ocr_1_5: 'hunyuanocr-1.5',
    'HunyuanOCR-1.5-GGUF': 'hunyuanocr-1.5',
    hunyuanocr: 'hunyuanocr-1.5',
    '/models/HunyuanOCR': 'hunyuanocr-1.5',
    'ATH-MaaS/OvisOCR2': 'ovisocr-2',
    'allenai/olmOCR-2-7B-1025-FP8': 'olmocr-2',
    olmocr: 'olmocr-2',
    'allenai/olmOCR-7B-0225-preview': 'generic',
    'rednote-hilab/dots.ocr': 'dots-ocr',
    '/workspace/weights/DotsOCR': 'dots-ocr',
    'rednote-hilab/dots.mocr': 'dots-mocr',
    'dots-studio/dots.mocr': 'dots-mocr',
    'rednote-hilab/dots.ocr-1.5': 'dots-mocr',
    'deepseek-ai/DeepSeek-OCR': 'deepseek-ocr-1',
    'deepseek-ai/DeepSeek-OCR-2': 'deepseek-ocr-2',
    'deepseek-ai/deepseek-vl2': 'generic',
    'datalab-to/chandra': 'chandra-1',
    'models--datalab-to--chandra/snapshots/1': 'chandra-1',
    'datalab-to/chandra-ocr-2': 'chandra-2',
    chandra: 'chandra-2',
    'isro/Chandrayaan-7B': 'generic',
    'datalab-to/surya-ocr-2': 'surya-2',
    'infly/Infinity-Parser2-Pro': 'infinity-parser-2',
    'infly/Infinity-Parser2-Flash': 'infinity-parser-2',
    'infly/Infinity-Parser-7B': 'generic',
    'nanonets/Nanonets-OCR2-3B': 'nanonets-ocr2',
    'nanonets/Nanonets-OCR-s': 'generic',
    'ibm-granite/granite-docling-258M': 'granite-docling',
    'ibm-granite/granite-vision-3.2-2b': 'generic',
    'PaddlePaddle/PaddleOCR-VL': 'paddleocr-vl-1',
    'PaddleOCR-VL-0.9B': 'paddleocr-vl-1',
    'PaddlePaddle/PaddleOCR-VL-1.5': 'paddleocr-vl-1.5',
    'PaddleOCR-VL-1.6-0.9B': 'paddleocr-vl-1.5',
    'zai-org/GLM-OCR': 'glm-ocr',
    'glm-ocr': 'glm-ocr',
    'zai-org/GLM-4.5V': 'generic',
    'Qwen/Qwen3-VL-8B-Instruct': 'qwen3-vl',
    'Qwen/Qwen3-VL-8B-Thinking': 'generic',
    'Qwen/Qwen2.5-VL-7B-Instruct': 'generic',
    // What the client of dots.ocr calls it says nothing: an operator pins it.
    model: 'generic',
    'tencent/Hunyuan-A13B-Instruct': 'generic',
    'lightonai/modernbert-embed-large': 'generic',
  }
  for (const [name, profile] of Object.entries(names))
    it(`${name}: ${profile}`, () => assert.equal(chosen(name), profile))

  it('by its weights rather than by the name an operator gave it', () => {
    assert.equal(chosen('lightonai/LightOnOCR-2-1B', { id: 'my-ocr' }), 'lightonocr-2')
    assert.equal(chosen('lightonai/LightOnOCR-2-1B', { id: 'lightonocr-3' }), 'lightonocr-2')
  })

  it('by its served name when the weights have a nameless path', () =>
    assert.equal(chosen('/models/current', { id: 'LightOnOCR-3-4B' }), 'lightonocr-3'))

  it('by the name that tells a version before one that tells the family alone', () => {
    assert.equal(chosen('/models/HunyuanOCR', { id: 'hunyuanocr-1.0' }), 'hunyuanocr-1.0')
    assert.equal(chosen('/models/lightonocr', { id: 'LightOnOCR-3-1B' }), 'lightonocr-3-1b')
  })

  it('by its base model when it is a LoRA adapter with a name of its own', () =>
    assert.equal(
      chosen('/adapters/invoices', { id: 'invoices', parent: 'lightonai/LightOnOCR-2-1B-bbox' }),
      'lightonocr-2-bbox',
    ))
})

describe('a served model that reads with its own client only has no profile', () => {
  for (const name of [
    'opendatalab/MinerU2.5-2509-1.2B',
    'opendatalab/MinerU2.5-Pro-2605-1.2B',
    'opendatalab/MinerU2.0-2505-0.9B',
    '/root/.cache/huggingface/hub/models--opendatalab--MinerU2.5-2509-1.2B/snapshots/879e58b',
    'mineru',
    'Miner-U 2.5',
  ])
    it(name, () => assert.equal(chosen(name), null))

  it('by any of its names', () => {
    assert.equal(chosen('/models/current', { id: 'mineru2.5' }), null)
    assert.equal(chosen('/adapters/a', { id: 'a', parent: 'opendatalab/MinerU2.5-2509-1.2B' }), null)
  })

  it('unless its name says that it is another, or an operator does', () => {
    assert.equal(chosen('/models/mineru/LightOnOCR-2-1B'), 'lightonocr-2')
    assert.equal(chosen('my/minerunner-7b'), 'generic')
    assert.equal(chosen('MinerU2.5', { pins: new Map([['MinerU2.5', 'generic']]) }), 'generic')
  })
})

describe('a pin', () => {
  const pins = new Map([
    ['my-ocr', 'hunyuanocr-1.0-zh'],
    ['llama', 'none'],
    ['typo', 'lightonocr-9'],
  ])

  it('wins over every name', () =>
    assert.equal(chosen('lightonai/LightOnOCR-2-1B', { id: 'my-ocr', pins }), 'hunyuanocr-1.0-zh'))

  it('marks a model as no OCR model', () => assert.equal(chosen('meta/llama', { id: 'llama', pins }), null))

  it('holds for the served name alone', () => assert.equal(chosen('llama', { id: 'LLAMA', pins }), 'generic'))

  it('to an unknown profile is never taken for no pin', () =>
    assert.throws(() => chosen('lightonai/LightOnOCR-2-1B', { id: 'typo', pins }), /lightonocr-9.*hunyuanocr-1\.5/))
})

/** Tokens of an answer beside the largest image. */
const TIGHT: Readonly<Record<string, number>> = {
  generic: 1000,
  'deepseek-ocr-1': 6500,
  'deepseek-ocr-2': 6500,
  'surya-2': 11_000,
  'granite-docling': 6500,
}

describe('profiles', () => {
  it('are found by id, and no id is used twice or reserved', () => {
    for (const profile of profiles) assert.equal(findProfile(profile.id), profile)
    assert.equal(new Set(profileIds()).size, profiles.length + 1)
    assert.equal(findProfile('none'), undefined)
    assert.ok(profileIds().includes('none'))
  })

  it('have patterns without memory, so that asking twice answers twice', () => {
    for (const pattern of profiles.flatMap(({ match }) => match)) assert.doesNotMatch(pattern.flags, /[gy]/)
  })

  for (const profile of profiles) {
    it(`${profile.id}: the largest page and the longest answer fit its context together`, () => {
      const edge = Math.floor(Math.sqrt(profile.pixelBudget.maxPixels))
      const tokens = profile.imageTokens({ width: edge, height: edge })
      const prompts = Object.values(profile.tasks).map(({ text }) => Buffer.byteLength(text ?? ''))
      // Where its authors ask for more than fits, and where nothing is known of it, a page has room all the same.
      const answer = TIGHT[profile.id] ?? profile.maxOutputTokens
      const needed = tokens + answer + Math.max(200, ...prompts.map((bytes) => bytes / 2)) + 64
      assert.ok(needed <= profile.defaultMaxModelLen, `${needed} > ${profile.defaultMaxModelLen}`)
    })

    it(`${profile.id}: has room in its layout for the text of every task`, () => {
      for (const [name, task] of Object.entries(profile.tasks)) {
        const text = task.textForFields?.(['Name']) ?? task.text
        assert.notEqual(text, '', name)
        assert.ok(text === null || profile.layout.order !== 'image-only', `${name} would lose its text`)
      }
    })

    it(`${profile.id}: leaves a clean page alone, and cleaning twice is cleaning once`, () => {
      const page =
        '# Invoice\n\nTotal: $5 and \\$6\n\n| a | b |\n|---|---|\n\n```python\nx = 1\n```\n\n![image](image_1.png) 10,20,30,40'
      for (const task of Object.keys(profile.tasks)) {
        assert.equal(profile.clean(page, task), page)
        const dirty = profile.clean(`\`\`\`markdown\n${page} \\$x^2\\$ ${'ab '.repeat(3000)}\n\`\`\``, task)
        assert.equal(profile.clean(dirty, task), dirty)
      }
    })
  }
})
