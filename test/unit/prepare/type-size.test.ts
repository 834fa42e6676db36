import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseScale, measureTypeSize } from '../../../gateway/prepare/type-size.ts'
import { drawPage, drawText } from '../../fixtures/printed-page.ts'

const roomy = { maxPixels: 20_000_000 }

describe('the size of type', () => {
  for (const size of [10, 14, 20, 40])
    it(`is that of small letters, half the type's: ${size} pixels`, () => {
      const measured = measureTypeSize(drawText({ size, lines: 25 })) ?? 0
      assert.ok(Math.abs(measured - size * 0.52) <= 0.12 * size + 0.5, String(measured))
    })

  it('is unknown where hardly anything is written', () => {
    assert.equal(measureTypeSize(drawPage((context) => context.fillRect(100, 100, 50, 50))), null)
  })
})

describe('choosing the scale of a page', () => {
  const pages = [
    { name: 'usual type is left as it is', page: drawText({ size: 20 }), budget: roomy, scale: [1, 1] },
    { name: 'small type is drawn larger', page: drawText({ size: 10 }), budget: roomy, scale: [1.4, 2] },
    { name: 'large type is drawn smaller', page: drawText({ size: 50, lines: 18 }), budget: roomy, scale: [0.5, 0.7] },
    {
      name: 'never more pixels than the budget',
      page: drawText({ size: 10 }),
      budget: { maxPixels: 1089 * 1540 * 1.44 },
      scale: [1.19, 1.2],
    },
    {
      name: 'never longer than the longest edge',
      page: drawText({ size: 10 }),
      budget: { longestEdge: 1540, ...roomy },
      scale: [1, 1],
    },
    { name: 'an empty page is left as it is', page: drawPage(() => undefined), budget: roomy, scale: [1, 1] },
  ] as const
  for (const { name, page, budget, scale } of pages)
    it(name, () => {
      const chosen = chooseScale(page, budget)
      assert.ok(chosen >= scale[0] && chosen <= scale[1] + 1e-9, String(chosen))
    })

  it('never more pixels than a scan has', () => {
    assert.equal(chooseScale(drawText({ size: 10 }), roomy, 1.3), 1.3)
  })
})
