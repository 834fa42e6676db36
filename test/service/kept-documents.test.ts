import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sharp from 'sharp'
import { openDocument, type Document } from '../../gateway/document/open.ts'
import type { Source } from '../../gateway/document/source.ts'
import { createRasterizer, type Rasterizer } from '../../gateway/rasterizer/pool.ts'
import { readPageBarcode } from '../fakes/page-barcode.ts'
import { keepDocument } from '../support/kept-document.ts'
import { makePdf } from '../support/make-pdf.ts'
import { someone } from '../support/turn.ts'
import { eventually, within } from '../support/within.ts'

const DEADLINE = 60_000
const rasterization = { pixelBudget: { longestEdge: 600, maxPixels: 360_000 }, mediaType: 'image/png' } as const
const never = new AbortController().signal

const numberedPdf = (pages: number): Uint8Array =>
  makePdf(Array.from({ length: pages }, (_, index) => ({ number: index + 1 })))

function openPool(threads: number): Rasterizer & AsyncDisposable {
  const limits = { pageTimeoutSeconds: 60, openTimeoutSeconds: 60, maxImagePixels: 1e8 }
  const pool = createRasterizer({ ...limits, threads })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.close() })
}

const open = (pool: Rasterizer, source: Source, maxDocumentBytes = 1e8) =>
  within(openDocument(source, pool, { maxDocumentBytes, turn: someone }, never), DEADLINE, 'the document')

async function numberOf(document: Document, page: number): Promise<number | null> {
  const { data } = await within(document.rasterize(page, rasterization, never), DEADLINE, `page ${page}`)
  const { data: pixels, info } = await sharp(data).raw().toBuffer({ resolveWithObject: true })
  return readPageBarcode({ data: pixels, ...info })
}

describe('a document that is kept elsewhere', { timeout: 120_000 }, () => {
  it('is read for each drawer once, and closed with the document', async () => {
    await using pool = openPool(2)
    const { source, seen } = keepDocument(numberedPdf(8))
    const document = await open(pool, source)
    assert.equal(document.pageCount, 8)
    const pages = Array.from({ length: 8 }, (_, index) => index + 1)
    assert.deepEqual(await Promise.all(pages.map((page) => numberOf(document, page))), pages)
    assert.ok(seen.reads >= 1 && seen.reads <= 2, String(seen.reads))
    assert.equal(seen.closed, 0)
    await document[Symbol.asyncDispose]()
    assert.equal(seen.closed, 1)
  })

  it('is closed where it cannot be opened', async () => {
    await using pool = openPool(1)
    const broken = keepDocument(Buffer.from('%PDF-1.7 and nothing else'.padEnd(100_000)))
    await assert.rejects(open(pool, broken.source), { code: 'document_unreadable', param: 'the.field' })
    assert.deepEqual(broken.seen, { reads: 1, closed: 1 })
    const other = keepDocument(Buffer.from('a text'.padEnd(100_000)))
    await assert.rejects(open(pool, other.source), { code: 'unsupported_media_type' })
    const large = keepDocument(numberedPdf(1))
    await assert.rejects(open(pool, large.source, 500), { code: 'document_too_large' })
    assert.deepEqual([other.seen, large.seen], [{ reads: 0, closed: 1 }, { reads: 0, closed: 1 }]) // prettier-ignore
  })

  it('fails where it cannot be read; the drawer draws on', async () => {
    await using pool = openPool(1)
    let isBroken = true
    const bytes = numberedPdf(2)
    const { source, seen } = keepDocument(bytes, async () => {
      if (isBroken) throw new Error('the disk is broken')
      return bytes
    })
    await assert.rejects(open(pool, source), /the disk is broken/)
    assert.deepEqual([seen.closed, pool.load().drawers], [1, 1])
    isBroken = false
    await using document = await open(pool, source)
    assert.equal(await numberOf(document, 2), 2)
  })

  it('is not sent to a drawer that has forgotten it meanwhile', async () => {
    await using pool = openPool(1)
    const gate = Promise.withResolvers<void>()
    const bytes = numberedPdf(1)
    const slow = keepDocument(bytes, async () => {
      await gate.promise
      return bytes
    })
    const client = new AbortController()
    const limits = { maxDocumentBytes: 1e8, turn: someone }
    const opening = openDocument(slow.source, pool, limits, client.signal)
    await eventually(() => slow.seen.reads === 1, DEADLINE, 'the first read')
    client.abort(new Error('gone'))
    await assert.rejects(opening, { message: 'gone' })
    assert.equal(slow.seen.closed, 1)
    gate.resolve()
    const { source } = keepDocument(bytes)
    await using document = await open(pool, source)
    assert.equal(await numberOf(document, 1), 1)
  })
})
