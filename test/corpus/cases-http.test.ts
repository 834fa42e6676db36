import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const parts = [filePart(readFileSync(join(import.meta.dirname, '../../../shared/cases/four-pages.pdf')))]

describe('the case of four pages', { timeout: 60_000 }, () => {
  it('of which the third is cut off, is no document that clients throw away', async () => {
    await using fake = await startFakeVllm({ answer: () => 'whole' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await askWhole(gateway.client, { parts, ocr: { pages: '3', cache: 'off' } })
    const third = fake.requests[0]?.image?.sha256
    fake.setAnswer(({ image }) => (image?.sha256 === third ? { text: 'half', finishReason: 'length' } : 'whole'))
    for (const ask of [askWhole, askStream]) {
      const { finishReason, ocr } = await ask(gateway.client, { parts, ocr: { cache: 'off' } })
      assert.equal(finishReason, 'stop')
      assert.deepEqual(
        ocr.pages.map(({ status }) => status),
        ['ok', 'ok', 'failed', 'ok'],
      )
    }
  })

  it('that take longer than their client waits, come when it asks again', async () => {
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    await using fake = await startFakeVllm({ answer: () => promise.then(() => 'whole') })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await assert.rejects(askWhole(gateway.client, { parts, timeoutMs: 6000 }), { status: 504, code: 'engine_timeout' })
    letGo()
    const { ocr } = await askWhole(gateway.client, { parts })
    assert.deepEqual(
      ocr.pages.map(({ status }) => status),
      ['ok', 'ok', 'ok', 'ok'],
    )
    assert.equal(fake.requests.length, 4)
  })
})
