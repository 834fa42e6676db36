import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { type Document, openDocument } from '../../gateway/document/open.ts'
import type { Source } from '../../gateway/document/source.ts'
import { openPdf, type PdfRasterizer } from '../../gateway/rasterizer/open-pdf.ts'
import { createRasterizer, type Rasterizer, type RasterizerOptions } from '../../gateway/rasterizer/pool.ts'
import { rasterizePage } from '../../gateway/rasterizer/rasterize-page.ts'
import { damagedPageBox } from '../fixtures/pdf-damage.ts'
import { ownMemory, processTree } from '../support/bounds/process-memory.ts'
import { readFixture } from '../support/documents.ts'
import { keepDocument } from '../support/kept-document.ts'
import { makePdf } from '../support/make-pdf.ts'
import { makeSource } from '../support/make-source.ts'
import { someone } from '../support/turn.ts'
import { eventually, within } from '../support/within.ts'
import { pdfStream, writePdf } from '../support/write-pdf.ts'

const seconds = 1000
const DEADLINE = 60 * seconds
const MEBIBYTE = 2 ** 20
const rasterization = { pixelBudget: { longestEdge: 600, maxPixels: 360_000 }, mediaType: 'image/png' } as const
const never = new AbortController().signal
const limits = { maxImagePixels: 1e8, maxMemoryBytes: 2 ** 30 }

const small = makePdf([{ number: 1 }, { number: 2 }])

const variants: readonly {
  readonly name: string
  readonly bytes: Uint8Array
  readonly password?: string
  readonly pdfRasterizer?: PdfRasterizer
}[] = [
  { name: 'its table at its end', bytes: lengthened(small) },
  { name: 'a table that is not where it should be', bytes: lengthened(small, { beside: 7 }) },
  { name: 'a password', bytes: lengthened(readFixture('encrypted-user-aes256.pdf')), password: 'open sesame' },
  { name: 'a page that pdf.js draws', bytes: lengthened(damagedPageBox()) },
  { name: 'nothing but pdf.js to draw it', bytes: lengthened(small), pdfRasterizer: 'pdfjs' },
  { name: 'scans', bytes: scans(8) },
]

describe('a large document', { timeout: 240 * seconds }, () => {
  for (const { name, bytes, password = null, pdfRasterizer = 'auto' } of variants)
    it(`is drawn as one that is held in memory: ${name}`, async () => {
      await using pool = openPool({ threads: 2, pdfRasterizer })
      await using document = await opened(pool, makeSource(bytes, { password }))
      await using held = await openPdf(bytes, pdfRasterizer, { ...limits, password })
      assert.equal(document.pageCount, held.pageCount)
      for (const page of [1, held.pageCount]) {
        const expected = await rasterizePage({
          document: held,
          page,
          rasterization,
          ...limits,
          isAbandoned: () => false,
        })
        const drawn = await within(document.rasterize(page, rasterization, never), DEADLINE, `page ${page}`)
        assert.ok(Buffer.from(drawn.data).equals(expected.data), `page ${page}`)
        assert.equal(drawn.rasterizer, expected.rasterizer)
      }
    })

  it('takes little more memory of its drawers than a small one', { skip: process.platform !== 'linux' }, async () => {
    const takes = async (bytes: Uint8Array) => {
      await using pool = openPool({ threads: 2 })
      await using document = await opened(pool, makeSource(bytes))
      const pages = Array.from({ length: document.pageCount }, (_, index) => drawn(document, index + 1))
      await eventually(() => pool.load().busy === 2, DEADLINE, 'two drawers that draw')
      await Promise.all(pages)
      return Math.max(...drawers().map(ownMemory))
    }
    const pages = makePdf(Array.from({ length: 400 }, (_, index) => ({ number: index + 1 })))
    const [alone, withMore] = [await takes(pages), await takes(lengthened(pages, { megabytes: 96 }))]
    assert.ok(withMore - alone < 24, `${withMore} MB, and ${alone} MB without 96 MB more of the document`)
  })

  it('that cannot be read further fails with what reading it has said, and is read again', async () => {
    await using pool = openPool({ threads: 1 })
    let isBroken = false
    const bytes = scans(4)
    const { source } = keepDocument(bytes, async () => {
      if (isBroken) throw new Error('the disk is broken')
      return bytes
    })
    await using document = await opened(pool, source)
    isBroken = true
    await assert.rejects(drawn(document, 2), /the disk is broken/)
    isBroken = false
    for (const page of [2, 3]) assert.equal((await drawn(document, page)).rasterizer, 'scan')
    assert.equal(pool.load().drawers, 1)
  })

  it('that is closed while a drawer waits for a piece of it does not hold the drawer up', async () => {
    await using pool = openPool({ threads: 1 })
    const gate = Promise.withResolvers<Uint8Array>()
    const { source, seen } = keepDocument(scans(4), () => gate.promise)
    const client = new AbortController()
    const opening = openDocument(source, pool, { maxDocumentBytes: 1e9, turn: someone }, client.signal)
    await eventually(() => seen.reads === 1, DEADLINE, 'the first piece')
    client.abort(new Error('gone'))
    await assert.rejects(opening, { message: 'gone' })
    gate.reject(new Error('it was closed'))
    await using other = await opened(pool, makeSource(lengthened(small)))
    await drawn(other, 1)
    assert.equal(pool.load().drawers, 1)
  })

  it('whose drawer is ended while it waits for a piece is drawn by another one', async () => {
    await using pool = openPool({ threads: 1 })
    const bytes = scans(4)
    let gate: Promise<Uint8Array> = Promise.resolve(bytes)
    const { source, seen } = keepDocument(bytes, () => gate)
    await using document = await opened(pool, source)
    gate = new Promise(() => {})
    const { reads } = seen
    const page = drawn(document, 3)
    await eventually(() => seen.reads > reads, DEADLINE, 'a piece')
    gate = Promise.resolve(bytes)
    for (const id of drawers()) process.kill(id, 'SIGKILL')
    assert.equal((await page).rasterizer, 'scan')
  })

  it('that nobody gives pieces of takes as long as a page may, and no more', async () => {
    await using pool = openPool({ threads: 1, pageTimeoutSeconds: 1 })
    const bytes = scans(4)
    let gate: Promise<Uint8Array> = Promise.resolve(bytes)
    await using document = await opened(pool, keepDocument(bytes, () => gate).source)
    gate = new Promise(() => {})
    await assert.rejects(drawn(document, 3), { code: 'page_timeout' })
    gate = Promise.resolve(bytes)
    assert.equal((await drawn(document, 4)).rasterizer, 'scan')
  })
})

function openPool(options: Partial<RasterizerOptions>): Rasterizer & AsyncDisposable {
  const pool = createRasterizer({ threads: 1, pageTimeoutSeconds: 60, openTimeoutSeconds: 60, ...limits, ...options })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() })
}

const opened = (pool: Rasterizer, source: Source) =>
  within(openDocument(source, pool, { maxDocumentBytes: 1e9, turn: someone }, never), DEADLINE, 'the document')

const drawn = (document: Document, page: number) =>
  within(document.rasterize(page, rasterization, never), DEADLINE, `page ${page}`)

const drawers = () => processTree(process.pid).filter((id) => id !== process.pid)

/** Puts megabytes behind a PDF, and where its table is once more, or so many bytes beside that. */
function lengthened(pdf: Uint8Array, { megabytes = 24, beside = 0 } = {}): Uint8Array {
  const text = Buffer.from(pdf).toString('latin1')
  const table = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1] ?? 0)
  const padding = `% ${'x'.repeat(78)}\n`.repeat((megabytes * MEBIBYTE) / 81)
  return Buffer.from(`${text}\n${padding}startxref\n${table + beside}\n%%EOF\n`, 'latin1')
}

/** Makes a PDF of so many pages with one gray image each, of 6 MB, which are not compressed. */
function scans(count: number): Uint8Array {
  const [width, height] = [2000, 3000]
  const numbers = Array.from({ length: count }, (_, index) => 3 + 3 * index)
  const pages = numbers.flatMap((number) => {
    const image = new Uint8Array(width * height).map((_, at) => 255 - ((at * number) % 251) * (at % 7 === 0 ? 1 : 0))
    return [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents ${number + 1} 0 R /Resources << /XObject << /X ${number + 2} 0 R >> >> >>`,
      pdfStream('400 0 0 600 0 0 cm /X Do'),
      pdfStream(
        deflateSync(image, { level: 0 }),
        `/Filter /FlateDecode /Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceGray /BitsPerComponent 8`,
      ),
    ]
  })
  const kids = numbers.map((number) => `${number} 0 R`).join(' ')
  return writePdf(['<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Count ${count} /Kids [${kids}] >>`, ...pages])
}
