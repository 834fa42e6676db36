import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { GatewayError } from '../../../gateway/errors.ts'
import { figureCutter } from '../../../gateway/ocr/figures.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import type { PageImage } from '../../../gateway/page/page.ts'
import { imagesInThousandths } from '../../../gateway/profile/marked-images.ts'
import { cutBox } from '../../../gateway/read/cut-box.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { PageToRead } from '../../../gateway/read/page-to-read.ts'
import { encodePng } from '../../fixtures/images.ts'
import { drawNumbered } from '../../fixtures/printed-page.ts'
import { makeModel, makeRequest } from '../../support/make-request.ts'

const signal = new AbortController().signal
interface Size {
  readonly width: number
  readonly height: number
}

const size: Size = { width: 608, height: 848 }
const png = new Uint8Array(await encodePng(drawNumbered(1, size)))
const mark = '![image](image_1.png)0,0,500,500'

function resultOf(text: string, facts: Partial<PageResult> = {}): PageResult {
  return { ...unread('vllm'), ...size, text, status: 'ok', cache: 'miss', error: null, ...facts }
}

/** Cuts the pictures of pages with these results, and counts how often a page was drawn. */
async function cut(results: readonly PageResult[], bounds = { limit: Infinity, minSize: 0 }, maxBytes?: number) {
  let drawn = 0
  const draw: PageToRead['draw'] = async () => {
    drawn += 1
    const rest = { rasterizer: 'pdfium', blank: false, warnings: [], textLayer: null } as const
    return { data: png, mediaType: 'image/png', ...size, ...rest }
  }
  const request = makeRequest({
    model: makeModel({ findImages: imagesInThousandths }),
    figures: { marks: 'keep', ...bounds },
  })
  const cutter = figureCutter(request, maxBytes)
  const found: (readonly boolean[] | null)[] = []
  for (const result of results) {
    const figures = await cutter({ draw } as PageToRead, result, signal)
    found.push(figures?.map((bytes) => bytes !== null) ?? null)
  }
  return { found, drawn }
}

describe('pictures that are cut out of pages', () => {
  it('cost no drawing where there are none, or none is wanted', async () => {
    assert.deepEqual(await cut([resultOf('no mark')]), { found: [null], drawn: 0 })
    assert.deepEqual(await cut([resultOf(mark)], { limit: 0, minSize: 0 }), { found: [null], drawn: 0 })
  })

  it('are those of pages whose marks are about the page', async () => {
    const results = [resultOf(mark, { isTiled: true }), resultOf(mark, { isFallback: true }), resultOf(mark)]
    assert.deepEqual(await cut(results), { found: [null, null, [true]], drawn: 1 })
  })

  it('are as many and as large as wanted', async () => {
    const small = '![image](image_2.png)0,0,10,10'
    const { found } = await cut([resultOf(`${small} ${mark} ${mark}`)], { limit: 1, minSize: 50 })
    assert.deepEqual(found, [[false, true, false]])
  })

  it('are bounded for a page, and for all pages together', async () => {
    const { found } = await cut([resultOf(`${mark} `.repeat(100))])
    assert.equal(found[0]?.length, 64)
    const bounded = await cut([resultOf(mark), resultOf(mark)], undefined, 1)
    assert.deepEqual(bounded, { found: [[false], null], drawn: 1 })
  })

  for (const [name, box, width, height] of [
    ['whose corners are mixed up', { left: 0.5, top: 0.75, right: 0.25, bottom: 0.25 }, 152, 424],
    ['that goes beyond the page', { left: 0.5, top: -3, right: 7, bottom: 0.5 }, 304, 424],
    ['beside the page', { left: 2, top: 0.1, right: 3, bottom: 0.2 }, null, null],
    ['without an extent', { left: 0.5, top: 0.1, right: 0.5, bottom: 0.2 }, null, null],
    ['of no numbers', { left: Number.NaN, top: 0.1, right: Number.NaN, bottom: 0.2 }, null, null],
  ] as const)
    it(`are what is on the page of a place ${name}`, async () => {
      const findImages = () => [{ name: 'a.png', alt: '', start: 0, end: 1, box }]
      const request = makeRequest({
        model: makeModel({ findImages }),
        figures: { marks: 'keep', limit: Infinity, minSize: 0 },
      })
      const rest = { rasterizer: 'pdfium', blank: false, warnings: [], textLayer: null } as const
      const draw: PageToRead['draw'] = async () => ({ data: png, mediaType: 'image/png', ...size, ...rest })
      const figures = await figureCutter(request)({ draw } as PageToRead, resultOf('x'), signal)
      assert.equal(figures?.length, 1)
      assert.deepEqual([figures?.[0]?.width ?? null, figures?.[0]?.height ?? null], [width, height])
    })

  describe('with more pixels than the engine was shown', () => {
    const drawn = async (pixels: Size, isBroken = false) => {
      const data = new Uint8Array(await encodePng(drawNumbered(1, pixels)))
      const image = { data, mediaType: 'image/png', ...pixels } as PageImage
      const drawForFigures = async () => {
        if (isBroken) throw new GatewayError('page_timeout', 'Too slow.')
        return image
      }
      const page = { draw: async () => ({ ...image, data: png, ...size }), drawForFigures } as unknown as PageToRead
      const request = makeRequest({
        model: makeModel({ findImages: imagesInThousandths }),
        figures: { marks: 'reference', limit: Infinity, minSize: 0 },
      })
      const [figure] = (await figureCutter(request)(page, resultOf(mark), signal)) ?? []
      const { format } = await sharp(figure?.bytes).metadata()
      assert.deepEqual([format, figure?.place], ['png', { left: 0, top: 0, right: 304, bottom: 424 }])
      return [figure?.width, figure?.height]
    }
    const small = [304, 424]

    it('is cut out where it has the shape of what the engine saw', async () => {
      assert.deepEqual(await drawn({ width: 1217, height: 1697 }), [609, 849])
    })
    it('is cut out of what the engine saw where that was padded, was larger, or another drawing fails', async () => {
      assert.deepEqual(await drawn({ width: 1697, height: 1217 }), small)
      assert.deepEqual(await drawn({ width: 1216, height: 1850 }), small)
      assert.deepEqual(await drawn({ width: 304, height: 424 }), small)
      assert.deepEqual(await drawn({ width: 1216, height: 1696 }, true), small)
    })
  })

  it('are photographs where they are large', async () => {
    const { width, height } = { width: 700, height: 700 }
    let seed = 1
    const noise = Uint8Array.from({ length: width * height * 3 }, () => (seed = Math.imul(seed, 48271) + 11) >>> 24)
    const data = new Uint8Array(
      await sharp(noise, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer(),
    )
    const whole = { left: 0, top: 0, right: 1, bottom: 1 }
    const photo = await cutBox({ data, width, height }, whole, 'image/png')
    assert.deepEqual(
      [photo.mediaType, photo.width, (await sharp(photo.bytes).metadata()).format],
      ['image/jpeg', 700, 'jpeg'],
    )
    assert.equal((await cutBox({ data, width, height }, { ...whole, right: 0.1 }, 'image/png')).mediaType, 'image/png')
  })
})
