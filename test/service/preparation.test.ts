import { createCanvas } from '@napi-rs/canvas'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { addNoise, drawLetter } from '../fixtures/printed-page.ts'
import { english } from '../fixtures/prose.ts'
import { jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

/** Running text, so that no line is like another. */
const words = english.match(/[a-z]{3,}/g) ?? []

/** A poster of small type, each line with a number of its own. */
function poster(lines: number): Buffer {
  const canvas = createCanvas(3200, 120 + lines * 62)
  const context = canvas.getContext('2d')
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = '#000000'
  context.font = '34px Liberation Sans, DejaVu Sans, sans-serif'
  for (let line = 0; line < lines; line++) {
    const start = (line * 11) % (words.length - 12)
    const text = words.slice(start, start + 11).join(' ')
    context.fillText(`Entry ${1000 + line} ${text}`, 100, 100 + line * 62)
  }
  return canvas.toBuffer('image/png')
}

describe('preparation on request', { timeout: 200_000 }, () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  const read = async (parts: Parameters<typeof askWhole>[1]['parts'], prepare: object | null) =>
    askWhole(gateway.client, {
      model: 'tesseract',
      parts,
      ocr: { cache: 'off', ...(prepare === null ? {} : { prepare }) },
    })

  it('reads a poster of small type in tiles, every line once and in order', async () => {
    const { content, ocr } = await read([imagePart(poster(110))], { tile: true })
    const numbers = [...content.matchAll(/Entry (\d{4})/g)].map(([, number]) => Number(number))
    const expected = Array.from({ length: 110 }, (_, line) => 1000 + line)
    assert.equal(ocr.pages[0]?.status, 'ok')
    // A letter read wrongly in the middle of a number is Tesseract's; a line twice, lost or misplaced is not.
    assert.deepEqual([...new Set(numbers)], numbers)
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      numbers,
    )
    assert.ok(numbers.length >= 0.97 * expected.length, `${numbers.length} of ${expected.length} lines`)
  })

  it('puts a page upright that lies on its side or stands on its head', async () => {
    const upright = makeScan([{ image: await jpegImage(addNoise(drawLetter(), 6)) }])
    const page = await sharp(poster(30)).resize(1600).png().toBuffer()
    for (const turn of [90, 180, 270]) {
      const turned = await sharp(page).rotate(turn).png().toBuffer()
      const { content } = await read([imagePart(turned)], { rotate: true })
      assert.match(content, /Entry 10\d\d/, `turned by ${turn}`)
    }
    const { content } = await read([filePart(upright)], { rotate: true })
    assert.match(content, /North Quay Weather Station/)
  })

  it('levels a skewed page, and warns of it where that was not asked', async () => {
    const skewed = await sharp(poster(40)).resize(1600).rotate(4, { background: '#ffffff' }).png().toBuffer()
    const warned = await read([imagePart(skewed)], null)
    const warnings = warned.ocr.pages[0]?.warnings ?? []
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['page_skewed'],
    )
    assert.match(warnings[0]?.message ?? '', /4\.\d° clockwise.*ocr\.prepare\.deskew|3\.9° clockwise/)
    const levelled = await read([imagePart(skewed)], { deskew: true, binarize: true })
    assert.deepEqual(levelled.ocr.pages[0]?.warnings ?? [], [])
    assert.ok((levelled.content.match(/Entry 10\d\d/g) ?? []).length >= 38)
  })

  it('warns of an image that is too small to be read well', async () => {
    const small = await sharp(poster(12)).resize(420).png().toBuffer()
    const { ocr } = await read([imagePart(small)], null)
    assert.ok((ocr.pages[0]?.warnings ?? []).some(({ code }) => code === 'image_small'))
  })
})
