import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  hunyuanocr15Old,
  hunyuanocrMissing,
  lightonocrLoops,
  mixesPages,
} from '../../../gateway/profile/known-problems.ts'
import { chooseProfile } from '../../../gateway/profile/profiles.ts'

/** What builds from a checkout call themselves, which says nothing. */
const unknown = ['0.1.dev1+gdeadbee', 'dev']

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
  ])
    it(`are known of ${id}`, () => {
      const profile = chooseProfile({ id, root: id, parent: null }, new Map())
      assert.ok(profile?.knownProblems?.includes(problem))
    })
})
