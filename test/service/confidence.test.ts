import { createCanvas } from '@napi-rs/canvas'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { englishLines } from '../fixtures/prose.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const page = filePart(makePdf([{ number: 1 }]))
const unsure = { deltas: ['12', '.5', '0'], logprobs: [0, Math.log(0.125), 0] }

describe('how sure the model was', { timeout: 60_000 }, () => {
  it('stands in the ledger of who asks for it, streamed and whole', async () => {
    await using fake = await startFakeVllm({ answer: () => unsure })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const question = { parts: [page], ocr: { confidence: true } }
    for (const ask of [askWhole, askStream]) {
      const { ocr } = await ask(gateway.client, question)
      assert.deepEqual(ocr.pages[0]?.confidence, { mean: 0.5, lowest: 0.5 })
    }
    const { ocr } = await askWhole(gateway.client, { parts: [page] })
    assert.deepEqual([ocr.pages[0]?.cache, ocr.pages[0]?.confidence], ['hit', undefined])
    assert.equal(fake.requests.length, 1)
  })

  it('is not made up from an answer that was kept without it, and is kept from then on', async () => {
    await using fake = await startFakeVllm({ answer: () => unsure })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const ask = async (ocr: object) => (await askWhole(gateway.client, { parts: [page], ocr })).ocr.pages[0]
    assert.equal((await ask({}))?.confidence, undefined)
    assert.equal(fake.requests[0]?.body?.['logprobs'], undefined)
    const asked = await ask({ confidence: true })
    assert.deepEqual([asked?.cache, asked?.confidence?.mean], ['miss', 0.5])
    const again = await ask({ confidence: true })
    assert.deepEqual([again?.cache, again?.confidence?.mean], ['hit', 0.5])
    assert.equal(fake.requests.length, 2)
  })

  it('does not come from a reading that nobody asked for it; who does not ask joins one that was', async () => {
    const gate = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({ answer: () => gate.promise.then(() => unsure) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const ask = async (ocr: object) => (await askWhole(gateway.client, { parts: [page], ocr })).ocr.pages[0]
    const without = ask({})
    await eventually(() => fake.requests.length === 1, 10_000, 'the first reading')
    const asked = ask({ confidence: true })
    await eventually(() => fake.requests.length === 2, 10_000, 'the second reading')
    gate.resolve()
    assert.equal((await without)?.confidence, undefined)
    assert.deepEqual((await asked)?.confidence, { mean: 0.5, lowest: 0.5 })
  })

  it('is that of the attempt that counted', async () => {
    await using fake = await startFakeVllm()
    fake.setAnswer(() => (fake.requests.length === 1 ? { ...unsure, finishReason: 'length' } : { text: 'whole' }))
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const { ocr } = await askWhole(gateway.client, { parts: [page], ocr: { confidence: true } })
    assert.deepEqual([ocr.pages[0]?.status, ocr.pages[0]?.confidence?.mean], ['repaired', 0.99])
  })

  it('is that of all tiles of a page, and the worst of them', async () => {
    await using fake = await startFakeVllm()
    fake.setAnswer(() => ({ deltas: ['one'], logprobs: [fake.requests.length === 1 ? Math.log(0.1) : 0] }))
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const canvas = createCanvas(3200, 3200)
    const context = canvas.getContext('2d')
    context.fillStyle = '#fff'
    context.fillRect(0, 0, 3200, 3200)
    context.fillStyle = '#000'
    context.font = '60px sans-serif'
    for (let y = 100; y < 3150; y += 90) context.fillText(`line ${y} `.repeat(12), 50, y)
    const ocr = { confidence: true, prepare: { tile: true } }
    const answer = await askWhole(gateway.client, { parts: [imagePart(canvas.toBuffer('image/png'))], ocr })
    const tiles = fake.requests.length
    assert.ok(tiles > 1, `${tiles} tiles`)
    const { mean, lowest } = answer.ocr.pages[0]?.confidence ?? { mean: 0, lowest: 0 }
    assert.equal(lowest, 0.1)
    assert.equal(mean, Math.round(1000 * 0.1 ** (1 / tiles)) / 1000)
  })

  it('is known of Tesseract as well, whether or not it was asked for when the page was kept', async () => {
    await using gateway = await startTestGateway()
    const parts = [filePart(makePdf([{ lines: englishLines }]))]
    await askWhole(gateway.client, { model: 'tesseract', parts, ocr: { pages: '1' } })
    const { ocr } = await askWhole(gateway.client, {
      model: 'tesseract',
      parts,
      ocr: { pages: '1', confidence: true },
    })
    const [{ cache, confidence } = { cache: '', confidence: undefined }] = ocr.pages
    assert.equal(cache, 'hit')
    assert.ok(confidence !== undefined && confidence.mean > 0.85 && confidence.lowest <= confidence.mean)
    assert.ok(confidence.lowest > 0.3, JSON.stringify(confidence))
  })

  it('says nothing of a blank page, and does not read it again to find out', async () => {
    await using fake = await startFakeVllm()
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const parts = [filePart(makePdf([{}]))]
    await askWhole(gateway.client, { parts })
    const { ocr } = await askWhole(gateway.client, { parts, ocr: { confidence: true } })
    const [line] = ocr.pages
    assert.deepEqual([line?.status, line?.cache, line?.confidence], ['blank', 'hit', undefined])
  })
})
