import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPdf } from '../../../gateway/rasterizer/open-pdf.ts'
import type { OpenedDocument } from '../../../gateway/rasterizer/opened-document.ts'
import { rawPdf } from '../../fixtures/raw-pdf.ts'
import { writePdf } from '../../support/write-pdf.ts'

const open = (bytes: Uint8Array) => openPdf(bytes, 'auto', { password: null, maxImagePixels: 1e8, maxMemoryBytes: 1e9 })

/** In points; each page has its own. */
const widthOf = (page: number) => 100 + page

/** Draws a page, and returns how wide the page is that was drawn. */
async function drawnWidth(pdf: OpenedDocument, page: number, object: number | null): Promise<number> {
  let drawn = 0
  const sizeFor = ({ width }: { readonly width: number }) => {
    drawn = width
    return { width: 20, height: 20 }
  }
  await pdf.draw(page, sizeFor, () => false, false, object)
  return drawn
}

async function objectsOf(bytes: Uint8Array): Promise<Uint32Array | undefined> {
  await using pdf = await open(bytes)
  return (await pdf.facts?.({ maxFileBytes: 1e6 }))?.pageObjects
}

const roll = (pages: number) =>
  rawPdf({
    pages: Array.from({ length: pages }, (_, index) => ({ entries: `/MediaBox [0 0 ${widthOf(index + 1)} 200]` })),
  })

/** Every second page stands in the list of pages itself, and one of them has an annotation that does so, too. */
function rollOfDirectPages(pages: number): Buffer {
  const first = 4
  const page = (number: number, more = '') =>
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${widthOf(number)} 200] /Contents 3 0 R ${more} >>`
  const note = '/Annots [<< /Type /Annot /Subtype /Square /Rect [10 10 50 50] /C [1 0 0] >>]'
  const own = Array.from({ length: pages / 2 }, (_, index) => page(2 * index + 1, index === 0 ? note : ''))
  const kids = own.map((_, index) => `${first + index} 0 R ${page(2 * index + 2)}`)
  return writePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages} /Kids [${kids.join(' ')}] >>`,
    '<< /Length 0 >>\nstream\n\nendstream',
    ...own,
  ])
}

describe('the pages of a long PDF', () => {
  it('are found by the numbers of their objects, in whatever order', async () => {
    const bytes = roll(1200)
    const objects = await objectsOf(bytes)
    assert.equal(objects?.length, 1200)
    await using pdf = await open(bytes)
    for (const page of [1200, 1, 1199, 600])
      assert.equal(await drawnWidth(pdf, page, objects[page - 1]!), widthOf(page))
  })

  it('are the right ones where they stand in the list of pages itself, and have no numbers of their own', async () => {
    const bytes = rollOfDirectPages(1200)
    const objects = await objectsOf(bytes)
    assert.equal(objects?.length, 1200)
    for (const order of [
      [1, 2, 4, 3, 1200],
      [1200, 2, 1, 1198],
      [3, 1, 2, 4],
    ]) {
      await using pdf = await open(bytes)
      for (const page of order) assert.equal(await drawnWidth(pdf, page, objects[page - 1]!), widthOf(page))
    }
  })

  it('are found without a number, and where it is that of something else or of nothing', async () => {
    const bytes = roll(20)
    for (const object of [null, 1, 2, 3, 99_999]) {
      await using pdf = await open(bytes)
      for (const page of [20, 7]) assert.equal(await drawnWidth(pdf, page, object), widthOf(page), `${object}`)
    }
  })

  it('are not looked for where there are few', async () => {
    assert.equal(await objectsOf(roll(999)), undefined)
  })
})
