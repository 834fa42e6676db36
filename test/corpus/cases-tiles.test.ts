import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const cases = join(import.meta.dirname, '../../../shared/cases')
const readCase = (name: string): Buffer => readFileSync(join(cases, name))

describe('large, small and level pages', { timeout: 120_000 }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.kill()
  })

  for (const prepare of [{}, { deskew: true }])
    it(`a level page is level: ${JSON.stringify(prepare)}`, async () => {
      const parts = [filePart(readCase('page-labels.pdf'))]
      const { ocr } = await askWhole(gateway.client, { parts, ocr: { prepare, cache: 'off' } })
      assert.deepEqual(
        ocr.pages.map(({ warnings, width, height }) => [warnings, width, height]),
        Array.from({ length: 6 }, () => [undefined, 1190, 1540]),
      )
    })
})
