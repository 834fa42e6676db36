import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgreementLevel, isFarBelow } from '../../../../gateway/engine/evidence/agreement-level.ts'

describe('the level of a document', () => {
  it('is what is usual before any page is read, and its median later', () => {
    const level = createAgreementLevel()
    assert.deepEqual([level.value, level.pages], [0.9, 0])
    for (const agreement of [0.5, 0.5, 0.5, 0.5, 0.5]) level.note(agreement)
    assert.deepEqual([level.value, level.pages], [0.5, 5])
  })

  it('is not pulled down by one bad page', () => {
    const level = createAgreementLevel()
    level.note(0.1)
    assert.equal(level.value, 0.9)
  })

  const rows: readonly { name: string; agreements: readonly number[]; agreement: number; far: boolean }[] = [
    { name: 'half of a first page', agreements: [], agreement: 0.5, far: true },
    { name: 'most of a first page', agreements: [], agreement: 0.75, far: false },
    { name: 'two thirds, where others have all', agreements: [1, 1, 1, 0.98], agreement: 0.67, far: true },
    { name: 'half, where others have no more', agreements: [0.5, 0.55, 0.45, 0.5, 0.5], agreement: 0.45, far: false },
  ]
  for (const { name, agreements, agreement, far } of rows)
    it(`${far ? 'lies far above' : 'is near'} ${name}`, () => {
      const level = createAgreementLevel()
      for (const noted of agreements) level.note(noted)
      assert.equal(isFarBelow(agreement, level), far)
    })
})
