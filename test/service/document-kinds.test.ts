import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { features } from '../fixtures/pdf-features.ts'
import { geometry } from '../fixtures/pdf-geometry.ts'
import { addNoise, drawColumns, drawLetter, drawText } from '../fixtures/printed-page.ts'
import { numbered, rawPdf } from '../fixtures/raw-pdf.ts'
import { jbig2Image, jpegImage, makeScan, photoImage } from '../fixtures/scan-pdf.ts'
import { assertReadPageByPage, type PdfToRead } from '../support/read-alone.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

/** Documents, each for what is odd about it. */
const documents: readonly (Omit<PdfToRead, 'bytes'> & { oddity: string; bytes: () => Promise<Uint8Array> })[] = [
  { oddity: 'text, figures and a table, of which a range is read', bytes: article, pages: '1-4', count: 4 },
  {
    oddity: 'nothing but scans',
    bytes: async () =>
      makeScan([
        { image: await jpegImage(addNoise(drawColumns(), 6)) },
        { image: await jpegImage(addNoise(drawLetter(), 6)) },
        { image: await photoImage(drawText()) },
      ]),
    count: 3,
  },
  {
    oddity: 'portrait and landscape scans, in one bit',
    bytes: async () => makeScan(([0, 90, 180, 270] as const).map((rotate) => ({ image: jbig2Image(), rotate }))),
    count: 4,
  },
  { oddity: 'all four values of /Rotate', bytes: () => made('four-rotations.pdf'), count: 4 },
  { oddity: 'crop boxes', bytes: () => made('crop-boxes.pdf'), count: 3 },
  { oddity: 'three page sizes', bytes: () => made('mixed-sizes.pdf'), count: 3 },
  { oddity: 'filled form fields', bytes: () => made('filled-form.pdf'), count: 1 },
]

describe('documents of every kind through the official client', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  for (const { oddity, bytes, ...read } of documents) {
    it(`reads each page once, in order, at the size of the profile: ${oddity}`, async () => {
      await assertReadPageByPage({ bytes: await bytes(), ...read }, { gateway, fake })
    })
  }
})

async function made(file: string): Promise<Uint8Array> {
  const document = [...features, ...geometry].find((one) => one.file === file)
  assert.ok(document !== undefined, file)
  return document.bytes()
}

/** Six pages of a text over a figure, and a table of lines. */
async function article(): Promise<Uint8Array> {
  const rows = Array.from({ length: 8 }, (_, row) => `50 ${300 - row * 20} m 545 ${300 - row * 20} l`)
  const pages = Array.from({ length: 6 }, (_, page) => ({
    content: `${numbered(page + 1)} 0.8 g 100 400 ${150 + page * 40} 200 re B ${rows.join(' ')} S`,
  }))
  return rawPdf({ pages })
}
