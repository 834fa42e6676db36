import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart, imagePart } from '../support/documents.ts'
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

  /** Reads a case; says what was sent of it. */
  async function read(name: string, prepare: object) {
    const parts = [name.endsWith('.pdf') ? filePart(readCase(name)) : imagePart(readCase(name))]
    const before = fake.requests.length
    const { content, ocr } = await askWhole(gateway.client, { parts, ocr: { prepare, cache: 'off' } })
    const images = fake.requests
      .slice(before)
      .map(({ image }) => ({ width: image?.width ?? 0, height: image?.height ?? 0 }))
    return { content, images, page: ocr.pages[0]! }
  }

  it('a receipt in tiles has each line once', async () => {
    const item = (index: number) => `ITEM${String(index).padStart(3, '0')} bolt M8 x 40 stainless`
    for (const prepare of [{ tile: true }, {}]) {
      let tile = 0
      fake.setAnswer(() => {
        const first = 10 * tile++
        return Array.from({ length: 12 }, (_, line) => item(first + line)).join('\n')
      })
      const { content, page } = await read('receipt-600x9000.pdf', prepare)
      assert.equal(page.status, 'ok')
      assert.deepEqual(
        content.split(/\n+/),
        Array.from({ length: 52 }, (_, index) => item(index)),
      )
    }
  })

  for (const [name, tiles] of [
    ['strip-600x9000.png', 7],
    ['receipt-600x9000.pdf', 5],
    ['plan-a0-8pt.pdf', 20],
    ['strip-3000x30.png', 3],
  ] as const)
    it(`small type is read in tiles, or warned of: ${name}`, async () => {
      fake.setAnswer(() => 'a line of type')
      const unasked = await read(name, {})
      const whole = await read(name, { tile: false })
      assert.deepEqual([unasked.images.length, whole.images.length], [tiles, 1])
      for (const { width, height } of unasked.images) assert.ok(Math.min(width, height) >= 28)
      for (const { page } of [unasked, whole]) {
        const warning = page.warnings?.find(({ code }) => code === 'type_small')
        assert.match(warning?.message ?? '', /ocr\.prepare\.tile/)
      }
    })

  for (const name of ['strip-26x28.png', 'strip-332x27.png'])
    it(`an image that is too small is padded with paper: ${name}`, async () => {
      const { images, page } = await read(name, {})
      const [image] = images
      assert.deepEqual(images, [{ width: page.width, height: page.height }])
      assert.ok(Math.min(image!.width, image!.height) === 28)
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
