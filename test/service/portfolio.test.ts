import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { pdfWithFiles } from '../fixtures/portfolio.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { numbered, rawPdf } from '../fixtures/raw-pdf.ts'
import { filePart, readFixture } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { ocrDocument } from '../../gateway/wire/openai/ocr-document.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pages = (...numbers: number[]) => makePdf(numbers.map((number) => ({ number })))
const text = (content: string) => Buffer.from(content)
const contract = { name: 'contract.pdf', bytes: pages(2, 3) }
const figures = { name: 'figures.csv', bytes: text('name,amount\nbolt,3\nnut,4\n') }

for (const rasterizer of ['auto', 'pdfjs'])
  describe(`a PDF portfolio, by ${rasterizer}`, { timeout: 60_000 }, () => {
    let fake: FakeVllm
    let gateway: TestGateway

    before(async () => {
      fake = await startFakeVllm({ answer: ({ image }) => `page ${image?.pageNumber}` })
      gateway = await startTestGateway({
        GATEWAY_UPSTREAM_URLS: fake.url,
        GATEWAY_RASTERIZER: rasterizer,
        GATEWAY_MAX_PAGES: '9',
        GATEWAY_MAX_DOCUMENT_BYTES: '300000',
      })
    })
    after(async () => {
      await gateway.stop()
      await fake.close()
    })

    const ask = (bytes: Uint8Array, ocr: object = {}) =>
      askWhole(gateway.client, { parts: [filePart(bytes)], ocr: { page_separator: '|', ...ocr } })
    const warnings = ({ ocr }: Awaited<ReturnType<typeof ask>>) =>
      ocr.pages
        .flatMap(({ page, warnings = [] }) => warnings.map(({ code, message }) => ({ page, code, message })))
        // The pages that tests make are small.
        .filter(({ code }) => code !== 'resolution_low')

    it('is its cover sheet and the documents in it, page by page', async () => {
      const photo = { name: 'photo.png', bytes: await encodePng(drawNumbered(4)) }
      const answer = await ask(pdfWithFiles([contract, photo]))
      assert.equal(answer.content, 'page 1|page 2|page 3|page 4')
      assert.deepEqual(
        answer.ocr.documents?.map(({ name, media_type, pages }) => [name, media_type, pages]),
        [
          [undefined, 'application/pdf', 1],
          ['contract.pdf', 'application/pdf', 2],
          ['photo.png', 'image/png', 1],
        ],
      )
      assert.deepEqual(
        answer.ocr.pages.map(({ page, document, document_page }) => [page, document, document_page]),
        [
          [1, 1, 1],
          [2, 2, 1],
          [3, 2, 2],
          [4, 3, 1],
        ],
      )
      assert.deepEqual(warnings(answer), [])
    })

    it('has a range of pages that counts through all of it', async () => {
      const { content, ocr } = await ask(pdfWithFiles([contract]), { pages: '3' })
      assert.deepEqual([content, ocr.pages[0]?.document_page], ['page 3', 2])
    })

    it('stands among the other documents of a request', async () => {
      const parts = [filePart(pages(8)), filePart(pdfWithFiles([contract])), filePart(pages(9))]
      const { content, ocr } = await askStream(gateway.client, { parts, ocr: { page_separator: '|' } })
      assert.equal(content, 'page 8|page 1|page 2|page 3|page 9')
      assert.deepEqual(
        ocr.pages.map(({ document }) => document),
        [1, 2, 3, 3, 4],
      )
    })

    it('says once which of its files are not read, and why', async () => {
      const answer = await ask(
        pdfWithFiles([
          figures,
          contract,
          { name: 'secret.pdf', bytes: readFixture('encrypted-user-aes256.pdf') },
          { name: 'broken.pdf', bytes: text('%PDF-1.7\nnothing') },
          { name: 'huge.pdf', bytes: Buffer.alloc(400_000, 'x') },
        ]),
      )
      assert.equal(answer.content, 'page 1|page 2|page 3')
      const [warning, ...more] = warnings(answer)
      assert.deepEqual([warning?.page, warning?.code, more.length], [1, 'document_is_portfolio', 0])
      assert.match(
        warning?.message ?? '',
        /not read: figures\.csv \(a CSV table\), secret\.pdf \(encrypted\), broken\.pdf \(damaged\), huge\.pdf \(too large\)\./,
      )
    })

    it('says so on the first page that is read, whichever that is', async () => {
      const answer = await ask(pdfWithFiles([figures, contract]), { pages: '3' })
      assert.deepEqual(
        warnings(answer).map(({ page, code }) => [page, code]),
        [[3, 'document_is_portfolio']],
      )
    })

    it('says so again when its pages come from the cache', async () => {
      const bytes = pdfWithFiles([figures, contract], { number: 7 })
      await ask(bytes)
      const again = await ask(bytes)
      assert.equal(again.cacheHeader, 'HIT')
      assert.equal(warnings(again).length, 1)
    })

    it('opens the encrypted files in it with the password of the request', async () => {
      const secret = { name: 'secret.pdf', bytes: readFixture('encrypted-user-aes256.pdf') }
      const { content } = await ask(pdfWithFiles([secret]), { password: 'open sesame', pages: '1-2' })
      assert.equal(content, 'page 1|page 21')
    })

    it('may hold another portfolio, though not without end', async () => {
      const within = (levels: number): Buffer =>
        pdfWithFiles(levels === 0 ? [contract] : [{ name: `level-${levels}.pdf`, bytes: within(levels - 1) }], {
          number: 4 + levels,
        })
      const two = await ask(within(1))
      assert.equal(two.content, 'page 5|page 4|page 2|page 3')
      assert.deepEqual(warnings(two), [])
      const four = await ask(within(3))
      assert.equal(four.content, 'page 7|page 6|page 5')
      assert.match(warnings(four)[0]?.message ?? '', /level-1\.pdf \(too many portfolios within each other\)/)
    })

    it('is refused when it has more pages than are read at once', async () => {
      await assert.rejects(ask(pdfWithFiles([{ name: 'long.pdf', bytes: pages(1, 2, 3, 4, 5, 6, 7, 8, 9) }])), {
        status: 400,
        code: 'too_many_pages',
      })
    })

    it('is not every PDF with files in it', async () => {
      const answer = await ask(pdfWithFiles([contract, figures], { isPortfolio: false, number: 6 }))
      assert.equal(answer.content, 'page 6')
      assert.deepEqual([answer.ocr.documents, warnings(answer)], [undefined, []])
    })

    it('has labels of its own in each document, which a separator may name', async () => {
      const labelled = rawPdf({
        pages: [{ content: numbered(2) }, { content: numbered(3) }],
        catalog: '/PageLabels << /Nums [0 << /S /r /P ({page}$&) >>] >>',
      })
      const bytes = pdfWithFiles([{ name: 'book.pdf', bytes: labelled }])
      const { content, ocr } = await ask(bytes, { page_separator: '<{label}:{page}>' })
      assert.equal(content, 'page 1<{page}$&i:2>page 2<{page}$&ii:3>page 3')
      assert.deepEqual(
        ocr.pages.map(({ label }) => label),
        [undefined, '{page}$&i', '{page}$&ii'],
      )
      const json = await ask(bytes, { output: 'json', page_separator: undefined })
      const { page, label, status } = ocrDocument.parse(JSON.parse(json.content)).pages[1]!
      assert.deepEqual([page, label, status], [2, '{page}$&i', 'ok'])
    })

    it('may hold a form that its pages do not show: each of them says so', async () => {
      const form = rawPdf({
        pages: [{ content: numbered(2) }, { content: numbered(3) }],
        objects: ['<< /Length 11 >>\nstream\n<template/>\nendstream'],
        catalog: '/NeedsRendering true /AcroForm << /Fields [] /XFA 4 0 R >>',
      })
      const answer = await ask(pdfWithFiles([{ name: 'form.pdf', bytes: form }]))
      assert.deepEqual(
        warnings(answer).map(({ page, code }) => [page, code]),
        [
          [2, 'form_is_xfa'],
          [3, 'form_is_xfa'],
        ],
      )
    })
  })
