import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import type { PageImage } from '../../../gateway/page/page.ts'
import type { Preparation } from '../../../gateway/page/preparation.ts'
import { hunyuanocr15 } from '../../../gateway/profile/models/hunyuanocr.ts'
import { lightonocr2 } from '../../../gateway/profile/models/lightonocr.ts'
import { openImage } from '../../../gateway/rasterizer/image/open-image.ts'
import { openPdf } from '../../../gateway/rasterizer/open-pdf.ts'
import { rasterizePage } from '../../../gateway/rasterizer/rasterize-page.ts'
import { encode } from '../../../gateway/prepare/encode.ts'
import { drawPage } from '../../fixtures/printed-page.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { limitsOf } from '../../support/image-limits.ts'

const LIMITS = { password: null, maxImagePixels: 178_956_970, maxMemoryBytes: 2 ** 30, reusesPixels: true }

/** Makes the image of the first page, as LightOnOCR-2 is shown it. */
async function imageOf(bytes: Uint8Array, preparation: Preparation = {}, profile = lightonocr2): Promise<PageImage> {
  const isPdf = Buffer.from(bytes).subarray(0, 4).toString() === '%PDF'
  await using document = isPdf
    ? await openPdf(bytes, 'auto', LIMITS)
    : await openImage(bytes, limitsOf(LIMITS.maxImagePixels))
  const { pixelBudget } = profile
  return await rasterizePage({
    document,
    page: 1,
    rasterization: { pixelBudget, mediaType: 'image/png', preparation },
    maxImagePixels: LIMITS.maxImagePixels,
    isAbandoned: () => false,
  })
}

const codes = ({ warnings }: PageImage) => warnings.map(({ code }) => code)
const tilesOf = ({ tiles }: PageImage) => tiles?.flat().length ?? 0
const small = ({ warnings }: PageImage) => warnings.find(({ code }) => code === 'type_small')?.message ?? ''

const items = (count: number) => Array.from({ length: count }, (_, index) => `ITEM${index} bolt M8 x 40 stainless`)
const receipt = makePdf([{ width: 216, height: 3240, fontSize: 8, lines: items(220) }])
const plan = makePdf([{ width: 1684, height: 2384, fontSize: 8, lines: items(180) }])
const strip = (width: number, height: number) =>
  encode(
    drawPage(
      (context) => {
        context.font = '16px "Test Sans"'
        for (let y = Math.min(20, height - 2); y < height; y += 24)
          context.fillText('Some words of a long strip. '.repeat(20), 4, y)
      },
      { width, height },
    ),
    'image/png',
  )

describe('a page of small type', () => {
  for (const [name, make, tiles] of [
    ['a receipt', () => receipt, 5],
    ['a plan', () => plan, 12],
    ['a long image', () => strip(600, 9000), 7],
    ['a wide image', () => strip(3000, 30), 3],
  ] as const)
    it(`is read in tiles without being asked, and says so; as a whole only where that was asked: ${name}`, async () => {
      const bytes = await make()
      const [unasked, asked] = [await imageOf(bytes), await imageOf(bytes, { tile: true })]
      const whole = await imageOf(bytes, { tile: false })
      assert.deepEqual([unasked, asked, whole].map(tilesOf), [tiles, tiles, 0])
      assert.match(small(unasked), /read in \d+ tiles.*ocr\.prepare\.tile/)
      assert.equal(small(asked), '')
      assert.match(small(whole), /Set ocr\.prepare\.tile to true/)
      assert.ok(Math.max(whole.width, whole.height) <= 1540)
      assert.ok(unasked.width > whole.width && unasked.height > whole.height)
    })

  it('is not found on ordinary pages', async () => {
    const pages = [
      makePdf([{ fontSize: 6, lines: items(60) }]),
      makePdf([{ width: 842, height: 1191, fontSize: 9, lines: items(60) }]),
      makePdf([{ width: 100, height: 500, fontSize: 8, lines: items(30) }]),
      await strip(800, 2400),
      await strip(1200, 900),
    ]
    for (const page of pages) {
      const image = await imageOf(page)
      assert.deepEqual([tilesOf(image), small(image)], [0, ''])
    }
  })

  it('is seen even where the page, shrunk to the size of a whole one, shows nothing', async () => {
    const image = await imageOf(makePdf([{ width: 234, height: 14_000, fontSize: 6, lines: ['one word'] }]))
    assert.deepEqual([image.blank, tilesOf(image) > 4], [false, true])
    assert.equal(image.tiles?.flat().filter(({ blank }) => !blank).length, 1)
    assert.equal((await imageOf(makePdf([{ width: 234, height: 14_000 }]))).blank, true)
  })

  for (const [name, bytes, most] of [
    ['a receipt', receipt, 12],
    ['a plan', plan, 2],
  ] as const)
    it(`is shown as a whole beside its tiles: ${name}`, async () => {
      const [tiled, whole] = [await imageOf(bytes), await imageOf(bytes, { tile: false })]
      const [seen, wanted] = await Promise.all(
        [tiled, whole].map(({ data }) => sharp(data).toColourspace('b-w').raw().toBuffer()),
      )
      assert.equal(seen?.length, wanted?.length)
      const off = seen!.reduce((sum, value, at) => sum + Math.abs(value - wanted![at]!), 0) / seen!.length
      assert.ok(off < most, `${off} of 255 off`)
    })

  it('is not looked at more closely in tiles where the page is to stay whole', async () => {
    const bytes = makePdf([{ lines: items(40) }])
    await using document = await openPdf(bytes, 'auto', LIMITS)
    const { pixelBudget } = lightonocr2
    const closer = (preparation: Preparation) =>
      rasterizePage({
        document,
        page: 1,
        rasterization: { pixelBudget, mediaType: 'image/png', preparation, closer: true },
        maxImagePixels: LIMITS.maxImagePixels,
        isAbandoned: () => false,
      })
    assert.deepEqual([tilesOf(await closer({})), tilesOf(await closer({ tile: false }))], [2, 0])
  })
})

describe('an image that is too narrow for a model', () => {
  for (const [name, size, profile, padded] of [
    ['a stamp for LightOnOCR-2', [26, 28], lightonocr2, [28, 28]],
    ['a line for LightOnOCR-2', [332, 27], lightonocr2, [332, 28]],
    ['a line for HunyuanOCR', [332, 27], hunyuanocr15, [332, 32]],
    ['a very long line for HunyuanOCR', [2800, 12], hunyuanocr15, [2800, 32]],
  ] as const)
    it(`is padded with paper, and not enlarged: ${name}`, async () => {
      const image = await imageOf(await strip(size[0], size[1]), { tile: false }, profile)
      assert.deepEqual([image.width, image.height], padded)
      assert.deepEqual(codes(image).includes('image_small'), true)
    })
})
