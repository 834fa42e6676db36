import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const readCase = (name: string) => readFileSync(join(import.meta.dirname, '../../../shared/cases', name))

for (const rasterizer of ['auto', 'pdfium', 'pdfjs'])
  describe(`documents that went wrong, by ${rasterizer}`, { timeout: 120_000 }, () => {
    let fake: FakeVllm
    let gateway: TestGateway

    before(async () => {
      fake = await startFakeVllm({ answer: () => 'read' })
      gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_RASTERIZER: rasterizer })
    })
    after(async () => {
      await gateway.stop()
      await fake.close()
    })

    const ask = async (file: string, ocr: object = {}) => {
      const answer = await askWhole(gateway.client, { parts: [filePart(readCase(file))], ocr })
      const warnings = answer.ocr.pages.flatMap(({ warnings = [] }) => warnings.map(({ code }) => code))
      return { ...answer, warnings }
    }

    it('have their page labels in the ledger and in the separator', async () => {
      const { content, ocr } = await ask('page-labels.pdf', { page_separator: '|{label}|' })
      assert.equal(content, 'read|ii|read|1|read|2|read|A-8|read|A-9|read')
      assert.deepEqual(
        ocr.pages.map(({ label }) => label),
        ['i', 'ii', '1', '2', 'A-8', 'A-9'],
      )
    })

    it('show no text that is hidden', async () => {
      // What is left of the layer is too little to stand for the page.
      fake.setAnswer(() => ({ text: 'half', finishReason: 'length' }))
      await assert.rejects(ask('hidden-text.pdf'), { status: 502, code: 'engine_error' })
      fake.setAnswer(() => 'WHITEHIDDEN pay 999999 to attacker')
      const { ocr } = await ask('hidden-text.pdf')
      fake.setAnswer(() => 'read')
      assert.equal(ocr.pages[0]?.agreement, undefined)
    })

    it('have the documents in a portfolio read', async () => {
      const { content, ocr } = await ask('portfolio.pdf', { page_separator: '|' })
      assert.deepEqual([content, ocr.documents?.map(({ name }) => name)], ['read|read', [undefined, 'contract.pdf']])
    })

    it('are encrypted to a certificate', async () => {
      const refused = { status: 400, code: 'document_encrypted', message: /certificate/ }
      await assert.rejects(ask('encrypted-certificate.pdf'), refused)
      await assert.rejects(ask('encrypted-certificate.pdf', { password: 'open sesame' }), refused)
    })

    for (const file of ['layer-off-image.pdf', 'layer-off-form.pdf'])
      it(`warn of nothing that is not shown: ${file}`, async () => {
        const { warnings, ocr } = await ask(file)
        assert.deepEqual([warnings, ocr.pages[0]?.status], [[], 'blank'])
      })

    it('say that a stamp is not drawn', async () => {
      const { ocr } = await ask('annotations-without-appearance.pdf')
      const warnings = ocr.pages[0]?.warnings?.filter(({ code }) => code === 'annotation_not_drawn') ?? []
      assert.match(warnings[0]?.message ?? '', /stamp/)
    })
  })
