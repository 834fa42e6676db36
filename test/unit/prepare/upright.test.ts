import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadLegibility } from '../../../gateway/prepare/legibility.ts'
import { findTurn } from '../../../gateway/prepare/upright.ts'
import { addNoise, drawChinese, drawPage, drawText, turn } from '../../fixtures/printed-page.ts'
import { jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { drawForEngine } from '../../support/draw-for-engine.ts'

const nobody = () => Promise.reject(new Error('nobody was to be asked'))
const figures = '12,345.67 8,901.23 45,678 901,234.56 7,890 12.34 567.89 1,234 (5,678) 9,012 34.5% 67.8%'

describe('turning a page upright', () => {
  it('costs no reading where the shapes of the lines say that it stands upright', async () => {
    assert.equal(await findTurn(drawText(), nobody), 0)
  })

  it('costs no reading where there is nothing to read', async () => {
    assert.equal(
      await findTurn(
        drawPage(() => undefined),
        nobody,
      ),
      0,
    )
  })

  it('is done only when the page can be read that way up, and not as it is', async () => {
    const overturned = await turn(drawText(), 180)
    const unread = () => Promise.resolve(40)
    assert.equal(await findTurn(overturned, unread), 0)
  })

  it('puts an English page upright', async () => {
    assert.equal(await findTurn(await turn(drawText(), 180), await loadLegibility()), 180)
  })

  it('leaves figures with commas alone, which look as if they stood on their head', async () => {
    assert.equal(await findTurn(drawText({ text: figures }), await loadLegibility()), 0)
  })

  it('puts a Chinese scan upright', async () => {
    const page = await turn(
      await drawForEngine(makeScan([{ image: await jpegImage(addNoise(drawChinese(), 8)) }])),
      180,
    )
    assert.equal(await findTurn(page, await loadLegibility()), 180)
  })
})
