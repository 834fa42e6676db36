import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { fitTokens, shrink, smallerSize } from '../../../../gateway/read/guard/shrink.ts'
import { grayPageImage, imageOnlyProfile, servedModel } from '../../../support/page-prompt.ts'

const contextOf = (maxModelLen: number) => servedModel(imageOnlyProfile, { maxModelLen })

describe('a page image that does not fit the context', () => {
  it('is made smaller: half the tokens, the same picture', async () => {
    const smaller = await shrink(await grayPageImage(1000, 1400), servedModel())
    assert.ok(smaller)
    assert.deepEqual([smaller.width, smaller.height, smaller.rasterizer], [707, 990, 'sharp'])
    assert.deepEqual(
      smaller.warnings.map(({ code }) => code),
      ['resolution_low'],
    )
    const metadata = await sharp(smaller.data).metadata()
    assert.deepEqual([metadata.format, metadata.width, metadata.height], ['png', 707, 990])
  })

  it('leaves half of the context to the text, and fails where nothing could be read', async () => {
    const image = { width: 1400, height: 1400 }
    assert.deepEqual(smallerSize(image, contextOf(16_384)), { width: 990, height: 990 })
    assert.deepEqual(smallerSize(image, contextOf(1250)), { width: 700, height: 700 })
    assert.equal(smallerSize(image, contextOf(600)), null)
    assert.equal(await shrink(await grayPageImage(1400, 1400), contextOf(600)), null)
  })

  it('is made as much smaller as was said, and silently where that is little', async () => {
    const model = servedModel()
    const smaller = await shrink(await grayPageImage(1000, 1400), model, 3721 / 4200)
    assert.ok(smaller)
    const share = model.profile.imageTokens(smaller) / model.profile.imageTokens({ width: 1000, height: 1400 })
    assert.ok(share <= 3721 / 4200 && share > 0.8, `${share} of its tokens`)
    assert.deepEqual(smaller.warnings, [])
    assert.equal(await shrink(await grayPageImage(1000, 1400), model, 0.1), null)
  })

  it('is left as it is where it fits, or cannot be made to', async () => {
    const image = await grayPageImage(1000, 1400)
    const tokens = servedModel().profile.imageTokens(image)
    for (const limit of [null, tokens, 10]) assert.equal(await fitTokens(image, servedModel(), limit), image)
    const fitting = await fitTokens(image, servedModel(), tokens - 1)
    assert.ok(servedModel().profile.imageTokens(fitting) < tokens)
  })
})
