import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'
import { findInkReduced } from '../../../gateway/prepare/ink-mask.ts'
import { isBlank } from '../../../gateway/prepare/ink.ts'
import { a4, addNoise, drawColumns, drawPage, drawText } from '../../fixtures/printed-page.ts'
import { jpegImage, makeScan } from '../../fixtures/scan-pdf.ts'
import { drawForEngine } from '../../support/draw-for-engine.ts'

const { width, height } = a4
const empty = (colour = '#fff') =>
  drawPage((context) => {
    context.fillStyle = colour
    context.fillRect(0, 0, width, height)
  })
const written = (text: string, size: number, colour = '#000', [x, y] = [500, 700]) =>
  drawPage((context) => {
    context.font = `${size}px "Test Sans"`
    context.fillStyle = colour
    context.fillText(text, x, y)
  })
const edges = () =>
  drawPage((context) => {
    context.fillStyle = '#ebe6da'
    context.fillRect(0, 0, width, height)
    context.fillStyle = '#111'
    context.fillRect(0, 0, 45, height)
    context.beginPath()
    context.moveTo(0, height)
    context.lineTo(width, height)
    context.lineTo(width, height - 60)
    context.fill()
    const shadow = context.createLinearGradient(width - 200, 0, width, 0)
    shadow.addColorStop(0, 'rgba(0,0,0,0)')
    shadow.addColorStop(1, 'rgba(0,0,0,0.5)')
    context.fillStyle = shadow
    context.fillRect(width - 200, 0, 200, height)
  })
const holes = () =>
  drawPage((context) => {
    for (const y of [500, 915]) {
      context.beginPath()
      context.arc(60, y, 15, 0, 2 * Math.PI)
      context.fill()
    }
  })
const specks = () =>
  drawPage((context) => {
    for (let speck = 0; speck < 12; speck++) context.fillRect((speck * 331) % width, (speck * 577) % height, 3, 3)
  })
const streak = () => drawPage((context) => context.fillRect(700, 0, 2, height))

const blank: readonly { name: string; page: () => Bitmap | Promise<Bitmap> }[] = [
  { name: 'white paper', page: empty },
  { name: 'tinted paper', page: () => empty('#e8dcc0') },
  { name: 'a black page', page: () => empty('#000') },
  { name: 'noise of a scanner', page: () => addNoise(empty('#f0f0f0'), 8) },
  { name: 'noise on dark paper', page: () => addNoise(empty('#b0a890'), 14) },
  { name: 'a scanner bed and a shadow at the edges', page: edges },
  { name: 'the same with noise', page: () => addNoise(edges(), 6) },
  { name: 'the same as a poor JPEG', page: () => asJpeg(addNoise(edges(), 4), 30) },
  { name: 'punch holes', page: holes },
  { name: 'a few specks', page: specks },
  { name: 'the trace of a dusty scanner cell', page: streak },
]

const printed: readonly { name: string; page: () => Bitmap | Promise<Bitmap> }[] = [
  { name: 'a page of text', page: drawText },
  { name: 'one short line of small text', page: () => written('see over', 11) },
  { name: 'a page number alone', page: () => written('7', 18, '#000', [545, 1490]) },
  { name: 'the digit 1 alone', page: () => written('1', 16, '#000', [545, 1490]) },
  { name: 'light gray text', page: () => written('This page is intentionally left blank.', 16, '#ddd') },
  { name: 'a whole page of light gray text', page: () => drawText({ colour: '#ddd' }) },
  { name: 'white text on black', page: () => invert(written('The End', 30)) },
  { name: 'a small line in noise', page: () => addNoise(written('Page 12 of 20', 14), 8) },
  { name: 'a small line between dark edges', page: () => over(edges(), written('Page 12 of 20', 14)) },
  { name: 'tiny type', page: () => written('terms and conditions apply to all of these', 6) },
  {
    name: 'type of 5 pixels as a poor JPEG',
    page: () => asJpeg(written('terms and conditions apply to all of these', 6), 40),
  },
  { name: 'a drawing', page: () => drawPage((context) => context.strokeRect(300, 300, 400, 400)) },
]

describe('ink', () => {
  for (const { name, page } of blank)
    it(`sees nothing to read in ${name}`, async () => assert.equal(isBlank(findInkReduced(await page())), true))
  for (const { name, page } of printed)
    it(`sees something to read in ${name}`, async () => assert.equal(isBlank(findInkReduced(await page())), false))

  for (const [page, expected] of [
    [1, false],
    [2, true],
  ] as const)
    it(`tells the empty pages of a scan from the others: page ${page}`, async () => {
      const scan = [drawColumns(), empty('#f2efe6')].map(async (drawn) => ({
        image: await jpegImage(addNoise(drawn, 6)),
      }))
      assert.equal(isBlank(findInkReduced(await drawForEngine(makeScan(await Promise.all(scan)), page))), expected)
    })

  it('is the same in gray, in colour and with alpha', () => {
    const gray = drawText()
    for (const channels of [3, 4] as const) {
      const pixels = Uint8Array.from({ length: gray.pixels.length * channels }, (_, at) =>
        at % channels === 3 ? 255 : gray.pixels[Math.floor(at / channels)]!,
      )
      assert.deepEqual(findInkReduced({ ...gray, pixels, channels }), findInkReduced(gray))
    }
  })

  it('is measured on pages of any shape', () => {
    for (const [across, down] of [
      [1, 1],
      [1, 2000],
      [2000, 1],
      [3, 3],
    ] as const)
      for (const ink of [0, 30]) {
        const pixels = Uint8Array.from({ length: across * down }, (_, at) => (at % 60 < ink ? 0 : 255))
        const isStrip = across * down > 1000
        const found = findInkReduced({ pixels, width: across, height: down, channels: 1 })
        assert.equal(isBlank(found), !isStrip || ink === 0)
      }
  })
})

function invert({ pixels, ...rest }: Bitmap): Bitmap {
  return { pixels: pixels.map((value) => 255 - value), ...rest }
}

function over(below: Bitmap, above: Bitmap): Bitmap {
  return { ...below, pixels: below.pixels.map((value, at) => Math.min(value, above.pixels[at]!)) }
}

async function asJpeg({ pixels, ...raw }: Bitmap, quality: number): Promise<Bitmap> {
  const jpeg = await sharp(pixels, { raw }).jpeg({ quality }).toBuffer()
  return { pixels: await sharp(jpeg).toColourspace('b-w').raw().toBuffer(), ...raw }
}
