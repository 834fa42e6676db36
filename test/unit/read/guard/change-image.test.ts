import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { GatewayError } from '../../../../gateway/errors.ts'
import { changeImage } from '../../../../gateway/read/guard/change-image.ts'
import { addNoise, drawChinese, drawColumns, drawLetter, drawPage } from '../../../fixtures/printed-page.ts'
import { grayPageImage, servedModel } from '../../../support/page-prompt.ts'

describe('a page image of too many bytes', () => {
  const pages = [
    { name: 'a letter', page: drawLetter() },
    { name: 'columns of small print', page: drawColumns() },
    { name: 'Chinese', page: drawChinese() },
    { name: 'a scan', page: addNoise(drawLetter(), 20) },
    { name: 'hardly anything', page: drawPage((context) => context.fillRect(100, 100, 40, 20)) },
  ]
  for (const { name, page } of pages)
    it(`is shown again with far fewer: ${name}`, async () => {
      const { pixels, ...raw } = page
      const data = await sharp(pixels, { raw }).png({ compressionLevel: 1 }).toBuffer()
      const image = { ...(await grayPageImage(page.width, page.height)), data }
      const failure = new GatewayError('engine_error', 'too many bytes', { kind: 'too_many_bytes' })
      const lighter = await changeImage(image, failure, servedModel(), { done: new Set(), failureBefore: null })
      const share = (lighter?.data.byteLength ?? 0) / data.byteLength
      assert.ok(lighter === null ? name === 'hardly anything' : share <= 0.6, `${share} of its bytes`)
    })
})
