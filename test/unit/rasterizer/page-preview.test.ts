import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import type { PageImage } from '../../../gateway/page/page.ts'
import type { Preparation } from '../../../gateway/page/preparation.ts'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'
import { lightonocr2 } from '../../../gateway/profile/models/lightonocr.ts'
import { finishPage } from '../../../gateway/rasterizer/finish-page.ts'
import { openPdf } from '../../../gateway/rasterizer/open-pdf.ts'
import { rasterizePage } from '../../../gateway/rasterizer/rasterize-page.ts'
import { drawPage, drawText, turn } from '../../fixtures/printed-page.ts'
import { makePdf } from '../../support/make-pdf.ts'

const { pixelBudget } = lightonocr2

const previewed = (bitmap: Bitmap, preparation: Preparation = {}, budget: object = {}): Promise<PageImage> =>
  finishPage(
    { bitmap, rasterizer: 'sharp' },
    { pixelBudget: { ...pixelBudget, ...budget }, mediaType: 'image/png', preparation, preview: true },
  )

const changesOf = ({ preview }: PageImage) => preview?.changes

async function imageOf(pdf: Uint8Array, preparation: Preparation): Promise<PageImage> {
  const limits = { password: null, maxImagePixels: 178_956_970, maxMemoryBytes: 2 ** 30, reusesPixels: true }
  await using document = await openPdf(pdf, 'auto', limits)
  return await rasterizePage({
    document,
    page: 1,
    rasterization: { pixelBudget, mediaType: 'image/png', preparation, preview: true },
    maxImagePixels: limits.maxImagePixels,
    isAbandoned: () => false,
  })
}

describe('the small picture of a page', () => {
  it('is a JPEG of what the model is shown, and is there only where it is wanted', async () => {
    const { preview, width, height } = await previewed(drawText())
    assert.deepEqual([width, height, preview?.changes], [1089, 1540, []])
    const { format, ...size } = await sharp(preview?.data).metadata()
    assert.deepEqual([format, size.width, size.height], ['jpeg', 566, 800])
    assert.ok(preview!.data.length < 120_000, `${preview!.data.length} bytes`)
    // The upper left of the page is paper, and so is that of its picture.
    const pixels = await sharp(preview?.data).raw().toBuffer()
    assert.ok((pixels[0] ?? 0) > 250 && pixels.some((value) => value < 100))
    const plain = await finishPage({ bitmap: drawText(), rasterizer: 'sharp' }, { pixelBudget, mediaType: 'image/png' })
    assert.equal('preview' in plain, false)
  })

  it('is never enlarged', async () => {
    const { preview } = await previewed(drawPage(() => {}, { width: 120, height: 90 }))
    const { width, height } = await sharp(preview?.data).metadata()
    assert.deepEqual([width, height], [120, 90])
  })

  it('says what was done, in its order', async () => {
    const crooked = await turn(drawText({ degrees: 3 }), 180)
    const image = await previewed(crooked, { rotate: true, deskew: true, binarize: true })
    const [turned, level, black] = changesOf(image) ?? []
    assert.deepEqual([turned, black], [{ code: 'rotated', degrees: 180 }, { code: 'binarized' }])
    assert.ok(level?.code === 'deskewed' && Math.abs(level.degrees + 3) < 0.3, JSON.stringify(level))
    const upright = await previewed(drawText(), { rotate: true, deskew: true })
    assert.deepEqual(changesOf(upright), [])
    assert.deepEqual(changesOf(await previewed(drawText(), {}, { minEdge: 1200 })), [{ code: 'padded' }])
  })

  it('says where the parts are that the model is shown', async () => {
    const lines = Array.from({ length: 180 }, (_, index) => `ITEM${index} bolt M8 x 40 stainless`)
    const plan = makePdf([{ width: 1684, height: 2384, fontSize: 8, lines }])
    const { preview, tiles, width, height } = await imageOf(plan, { binarize: true })
    const [black, tiled] = preview?.changes ?? []
    assert.equal(black?.code, 'binarized')
    assert.ok(tiled?.code === 'tiled')
    assert.equal(tiled.boxes.length, tiles?.flat().length)
    assert.ok(tiled.boxes.length > 4)
    assert.deepEqual(
      [Math.max(...tiled.boxes.map(({ right }) => right)), Math.max(...tiled.boxes.map(({ bottom }) => bottom))],
      [width, height],
    )
    assert.ok(tiled.boxes.every((box) => box.left < box.right && box.top < box.bottom))
    assert.ok(tiles?.flat().every((tile) => !('preview' in tile)))
    const small = await sharp(preview?.data).metadata()
    assert.ok(Math.abs(small.width / small.height - width / height) < 0.01)
  })

  it('says that a page was drawn smaller for its large type', async () => {
    const poster = makePdf([{ fontSize: 60, lines: Array.from({ length: 9 }, () => 'LARGE LETTERS') }])
    const { preview, width } = await imageOf(poster, { resolution: 'auto' })
    const [change] = preview?.changes ?? []
    assert.ok(change?.code === 'resized' && change.factor < 1, JSON.stringify(change))
    assert.ok(Math.abs(width - 1089 * change.factor) < 6)
  })
})
