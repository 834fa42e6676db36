import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  deepseekocrBroken,
  deepseekocrOld,
  glmocrOld,
  hunyuanocr15Old,
  hunyuanocrMissing,
  infinityParserOld,
  lightonocrLoops,
  mixesPages,
  nanonetsDegenerates,
  ovisocrOld,
  paddleocrOld,
  suryaOld,
} from '../../../gateway/profile/known-problems.ts'
import { chooseProfile } from '../../../gateway/profile/profiles.ts'

/** What builds from a checkout call themselves, which says nothing. */
const unknown = ['0.1.dev1+gdeadbee', 'dev']

const others = [
  { id: 'ATH-MaaS/OvisOCR2', problem: ovisocrOld, bad: ['0.9.2', '0.21.3', '0.22.0'], good: ['0.22.1', '0.30.0'] },
  { id: 'deepseek-ai/DeepSeek-OCR', problem: deepseekocrOld, bad: ['0.10.2', '0.11.0'], good: ['0.11.1', '0.29.0'] },
  {
    id: 'deepseek-ai/DeepSeek-OCR-2',
    problem: deepseekocrBroken,
    bad: ['0.30.0'],
    good: ['0.29.0', '0.3.0', '0.32.0'],
  },
  { id: 'infly/Infinity-Parser2-Pro', problem: infinityParserOld, bad: ['0.16.0'], good: ['0.17.1', '0.30.0'] },
  { id: 'datalab-to/surya-ocr-2', problem: suryaOld, bad: ['0.19.1', '0.20.0'], good: ['0.20.1', '0.30.0'] },
  {
    id: 'nanonets/Nanonets-OCR2-3B',
    problem: nanonetsDegenerates,
    bad: ['0.11.0', '0.30.0'],
    good: ['0.10.2', '0.9.1'],
  },
  { id: 'PaddlePaddle/PaddleOCR-VL-1.6', problem: paddleocrOld, bad: ['0.10.2', '0.11.0'], good: ['0.11.1', '0.30.0'] },
  { id: 'zai-org/GLM-OCR', problem: glmocrOld, bad: ['0.9.2', '0.18.1'], good: ['0.19.0', '0.30.0'] },
]

describe('versions of vLLM that serve a model badly', () => {
  for (const { name, versions, bad, good } of [
    { name: 'those that mix pages', ...mixesPages, bad: ['0.9.2', '0.12.0'], good: ['0.13.0', '0.30.0', '1.12.0'] },
    {
      name: 'one that loops',
      ...lightonocrLoops,
      bad: ['0.27.1', '0.27.1+cu130'],
      good: ['0.27.0', '0.27.10', '0.30.0'],
    },
    {
      name: 'those without HunyuanOCR',
      ...hunyuanocrMissing,
      bad: ['0.9.2', '0.11.2'],
      good: ['0.12.0', '0.30.0', '1.11.0'],
    },
    {
      name: 'those before HunyuanOCR 1.5',
      ...hunyuanocr15Old,
      bad: ['0.9.2', '0.17.1', '0.18.0'],
      good: ['0.18.1', '0.25.1', '0.30.0', '1.17.0'],
    },
    ...others.map(({ id, problem, bad, good }) => ({ name: `of ${id}`, ...problem, bad, good })),
  ])
    it(`are told apart: ${name}`, () => {
      assert.deepEqual(
        [...bad, ...good, ...unknown].filter((version) => versions.test(version)),
        bad,
      )
    })

  for (const { id, problem } of [
    { id: 'lightonai/LightOnOCR-2-1B', problem: lightonocrLoops },
    { id: 'tencent/HunyuanOCR-1.0', problem: hunyuanocrMissing },
    { id: 'tencent/HunyuanOCR-1.5', problem: hunyuanocr15Old },
    { id: 'some/ocr', problem: mixesPages },
    ...others.map(({ id, problem }) => ({ id, problem })),
  ])
    it(`are known of ${id}`, () => {
      const profile = chooseProfile({ id, root: id, parent: null }, new Map())
      assert.ok(profile?.knownProblems?.includes(problem))
    })
})
