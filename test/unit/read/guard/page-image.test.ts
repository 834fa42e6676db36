import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { holdImage, smallerSize } from '../../../../gateway/read/guard/page-image.ts'
import { grayPageImage, imageOnlyProfile, pagePrompt, servedModel } from '../../../support/page-prompt.ts'

const signal = new AbortController().signal
const contextOf = (maxModelLen: number) => servedModel(imageOnlyProfile, { maxModelLen })

describe('a held page image', () => {
  it('is drawn once, however often it is asked for', async () => {
    let drawn = 0
    const held = holdImage(
      pagePrompt({
        image: () => {
          drawn += 1
          return grayPageImage()
        },
      }),
    )
    assert.equal(await held.draw(signal), await held.draw(signal))
    assert.equal(drawn, 1)
  })

  it('is drawn again when drawing it failed', async () => {
    let drawn = 0
    const image = async () => {
      drawn += 1
      if (drawn === 1) throw new Error('no thread')
      return grayPageImage()
    }
    const held = holdImage(pagePrompt({ image }))
    await assert.rejects(held.draw(signal), /no thread/)
    assert.equal((await held.draw(signal)).width, 280)
  })

  it('is made smaller once: half the tokens, the same picture', async () => {
    const held = holdImage(pagePrompt({ image: () => grayPageImage(1000, 1400) }))
    await held.draw(signal)
    assert.equal(await held.shrink(signal), true)
    const { width, height, data, rasterizer } = await held.draw(signal)
    assert.deepEqual([width, height, rasterizer], [707, 990, 'sharp'])
    const metadata = await sharp(data).metadata()
    assert.deepEqual([metadata.format, metadata.width, metadata.height], ['png', 707, 990])
    assert.equal(await held.shrink(signal), false)
  })

  it('is not made smaller before it was drawn', async () => {
    assert.equal(await holdImage(pagePrompt()).shrink(signal), false)
  })

  it('leaves half of the context to the text, and is given up where nothing could be read', () => {
    const image = { width: 1400, height: 1400 }
    assert.deepEqual(smallerSize(image, contextOf(16_384)), { width: 990, height: 990 })
    assert.deepEqual(smallerSize(image, contextOf(1250)), { width: 700, height: 700 })
    assert.equal(smallerSize(image, contextOf(600)), null)
  })
})
