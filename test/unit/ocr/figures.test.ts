import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { figureCutter } from '../../../gateway/ocr/figures.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { imagesInThousandths } from '../../../gateway/profile/marked-images.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { PageToRead } from '../../../gateway/read/page-to-read.ts'
import { encodePng } from '../../fixtures/images.ts'
import { drawNumbered } from '../../fixtures/printed-page.ts'
import { makeModel, makeRequest } from '../../support/make-request.ts'

const signal = new AbortController().signal
const size = { width: 608, height: 848 }
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
})
