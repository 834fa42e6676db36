import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

describe('real documents, read by the embedded engine', { timeout: 120_000 }, () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway()
  })
  after(() => gateway.stop())

  const read = (path: string, ocr: object = {}) =>
    askWhole(gateway.client, { model: 'tesseract', parts: [filePart(readCorpus(`truth/${path}`))], ocr })

  it('are read in Chinese without being told so', async () => {
    const { content } = await read('hand/hand-chinese-scan.pdf')
    assert.match(content, /公司总部位于北京/)
  })

  it('are left upright where they are', async () => {
    const { content } = await read('synthetic/synth-scan-en-letter-table.pdf', { prepare: { rotate: true } })
    assert.match(content, /Harbour Survey Office/)
  })

  it('say how sure the engine was, whether or not it was asked when the page was kept', async () => {
    const file = 'synthetic/synth-digital-multipage-stitch-en.pdf'
    await read(file, { pages: '1' })
    const { ocr } = await read(file, { pages: '1', confidence: true })
    const [{ cache, confidence } = { cache: '', confidence: undefined }] = ocr.pages
    assert.equal(cache, 'hit')
    assert.ok(confidence !== undefined && confidence.mean > 0.85 && confidence.lowest <= confidence.mean)
    assert.ok(confidence.lowest > 0.3, JSON.stringify(confidence))
  })
})
