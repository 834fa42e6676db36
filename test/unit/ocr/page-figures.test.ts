import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { outputForm } from '../../../gateway/ocr/output.ts'
import type { PageResult } from '../../../gateway/ocr/page-event.ts'
import { imagesInThousandths } from '../../../gateway/profile/marked-images.ts'
import { unread } from '../../../gateway/read/page-answer.ts'
import type { FigureMarks } from '../../../gateway/request/ocr-request.ts'
import { makeModel, makeRequest } from '../../support/make-request.ts'

const place = { left: 0, top: 0, right: 1, bottom: 1 }
const figure = (bytes: number, mediaType: 'image/png' | 'image/jpeg' = 'image/png') => ({
  bytes: new Uint8Array([bytes]),
  mediaType,
  width: 1,
  height: 1,
  place,
})

/** Writes the page of the number 3 as the request wants its pictures. */
function write(text: string, figures: PageResult['figures'], marks: FigureMarks, facts: Partial<PageResult> = {}) {
  const model = makeModel({ findImages: imagesInThousandths })
  const limit = marks === 'drop' ? 0 : Infinity
  const form = outputForm(makeRequest({ model, figures: { marks, limit, minSize: 0 } }))
  const result = { ...unread('vllm'), text, status: 'ok', cache: 'miss', error: null, ...facts } as PageResult
  const cut = figures === undefined ? result : { ...result, figures }
  const number = { page: 3, document: 1, documentPage: 3, label: null }
  const { text: markdown, warnings, closing } = form.markdown(number, cut)
  const { text: written } = form.write(number, cut, markdown)
  return { written, codes: warnings.map(({ code, message }) => [code, /Of \d+[^,]+, \d+/.exec(message)?.[0]]), closing }
}

describe('the pictures of a page', () => {
  const two = 'A ![one](image_1.png)0,0,500,500\n![](image_1.png) 1,2,3,4 B'

  it('stand in the places of their marks, in the order of the marks', () => {
    const { written, codes } = write(two, [figure(1), figure(2, 'image/jpeg')], 'reference')
    assert.equal(written, 'A ![one](figures/page-3-1.png)\n![Figure 2 on page 3](figures/page-3-2.jpg) B')
    assert.deepEqual(codes, [])
    const embedded = write(two, [figure(1), figure(2, 'image/jpeg')], 'embed')
    assert.match(embedded.written, /^A !\[one\]\(data:image\/png;base64,AQ==\)\n.*\(data:image\/jpeg;base64,Ag==\) B$/)
  })

  it('that could not be cut out keep their marks, which is said', () => {
    const lacking = [['figure_not_cut', 'Of 2 pictures that the model marked, 1']]
    const one = write(two, [null, figure(2)], 'reference')
    assert.equal(one.written, 'A ![one](page-3-image-1.png)0,0,500,500\n![Figure 2 on page 3](figures/page-3-2.png) B')
    assert.deepEqual(one.codes, lacking)
    const none = write(two, undefined, 'embed', { isTiled: true })
    assert.equal(none.written, 'A ![one](page-3-image-1.png)0,0,500,500\n![](page-3-image-2.png) 1,2,3,4 B')
    assert.deepEqual(none.codes, [['figure_not_cut', 'Of 2 pictures that the model marked, 2']])
  })

  it('do not move what closes the page, and are none of a text layer', () => {
    const open = write(`${two}\n\n<table><tr><td>`, [figure(1), figure(2)], 'reference')
    assert.ok(open.closing > 0)
    assert.equal(open.written.slice(-open.closing), '\n</td></tr></table>')
    assert.deepEqual(write(two, undefined, 'drop', { isFallback: true }).written, two)
  })

  it('that are dropped leave nothing open behind', () => {
    const { written, codes } = write('![a](image_1.png)0,0,1,1\n\n```\ncode ![x](image_2.png)', undefined, 'drop')
    assert.equal(written, '```\ncode ![x](image_2.png)\n```')
    assert.deepEqual(codes, [['closed_by_gateway', undefined]])
  })

  it('take no time where there are thousands of them', () => {
    const startedAt = performance.now()
    const text = `${two}\n`.repeat(4_000)
    write(text, [figure(1)], 'embed')
    write(text, undefined, 'drop')
    assert.ok(performance.now() - startedAt < 10_000)
  })
})
