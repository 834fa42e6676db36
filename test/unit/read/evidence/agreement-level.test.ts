import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgreementLevel, isFarBelow } from '../../../../gateway/read/evidence/agreement-level.ts'

function levelOf(agreements: readonly number[]) {
  const level = createAgreementLevel()
  for (const agreement of agreements) level.note(agreement)
  return level
}

describe('the level of a document', () => {
  const rows: readonly { name: string; agreements: readonly number[]; value: number }[] = [
    { name: 'before any page is read', agreements: [], value: 0.9 },
    { name: 'after one page', agreements: [0.1], value: 0.9 },
    { name: 'of two pages', agreements: [0.5, 1], value: 0.75 },
    { name: 'of several pages, one of them bad', agreements: [1, 0.1, 0.98], value: 0.98 },
  ]
  for (const { name, agreements, value } of rows)
    it(`is the usual level first, and the median later: ${name}`, () => {
      const level = levelOf(agreements)
      assert.deepEqual([level.value, level.pages], [value, agreements.length])
    })
})

describe('a page far below the level of its document', () => {
  const rows: readonly { name: string; agreements: readonly number[]; agreement: number; far: boolean }[] = [
    { name: 'a first page with half of its words', agreements: [], agreement: 0.5, far: true },
    { name: 'a first page with most of its words', agreements: [], agreement: 0.75, far: false },
    { name: 'a first page about something else', agreements: [], agreement: 0.1, far: false },
    { name: 'two thirds, where others have all', agreements: [1, 1, 1, 0.98], agreement: 0.67, far: true },
    { name: 'nothing, where others have all', agreements: [1, 1], agreement: 0, far: true },
    { name: 'half, where others have no more', agreements: [0.5, 0.55, 0.45], agreement: 0.45, far: false },
    { name: 'nothing, where others have hardly more', agreements: [0.05, 0.1], agreement: 0.01, far: false },
    { name: 'nothing, where others have half', agreements: [0.5, 0.5], agreement: 0.01, far: false },
  ]
  for (const { name, agreements, agreement, far } of rows)
    it(`${far ? 'is' : 'is not'} ${name}`, () => {
      assert.equal(isFarBelow(agreement, levelOf(agreements)), far)
    })
})
