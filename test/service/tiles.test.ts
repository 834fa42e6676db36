import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

/** A receipt of 216 × 3240 points: five tiles of it are as many pixels as LightOnOCR-2 is shown. */
const receipt = (line: (index: number) => string) =>
  makePdf([{ width: 216, height: 3240, fontSize: 8, lines: Array.from({ length: 220 }, (_, index) => line(index)) }])

const item = (index: number) => `ITEM${String(index).padStart(3, '0')} bolt M8 x 40 stainless`

describe('pages in tiles', { timeout: 120_000 }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let tile = 0
  before(async () => {
    fake = await startFakeVllm({ answer: () => answer(tile++) })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.kill()
  })
  beforeEach(() => {
    tile = 0
  })
  let answer: (tile: number) => string = () => ''

  const read = async (bytes: Uint8Array, prepare?: object) => {
    const { content, ocr } = await askWhole(gateway.client, {
      parts: [filePart(bytes)],
      ocr: { prepare, cache: 'off' },
    })
    return { content, page: ocr.pages[0]!, tiles: tile }
  }

  for (const shared of [0, 1, 2, 3])
    it(`have each line once, whatever the engine says of their edges: ${shared} lines of 12 twice`, async () => {
      const fresh = 12 - shared
      answer = (index) => Array.from({ length: 12 }, (_, line) => item(index * fresh + line)).join('\n')
      const { content, tiles } = await read(
        receipt((index) => `LINE${index} of a long receipt 12.34`),
        { tile: true },
      )
      assert.equal(tiles, 5)
      assert.deepEqual(
        content.split('\n'),
        Array.from({ length: 5 * fresh + shared }, (_, index) => item(index)),
      )
    })

  it('keep lines that the page shows more than once', async () => {
    answer = () => Array.from({ length: 3 }, () => 'Milk 1.09').join('\n')
    const { content, tiles } = await read(
      receipt(() => 'Milk 1.09'),
      { tile: true },
    )
    assert.deepEqual([tiles, content.split('\n').length], [5, 15])
  })
})
