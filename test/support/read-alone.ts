import assert from 'node:assert/strict'
import type { FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from './documents.ts'
import { askStream, askWhole } from './read-answer.ts'
import type { TestGateway } from './start-gateway.ts'

/** A PDF of which some pages, or all, are read. */
export interface PdfToRead {
  readonly bytes: Uint8Array
  readonly pages?: string
  /** How many pages are read. */
  readonly count: number
}

/** Checks that each page is read once, in order and at the size of the profile, and says what it says when asked alone. */
export async function assertReadPageByPage(
  { bytes, pages, count }: PdfToRead,
  { gateway, fake }: { readonly gateway: TestGateway; readonly fake: FakeVllm },
): Promise<void> {
  const parts = [filePart(bytes)]
  const range = pages === undefined ? {} : { pages }
  const before = fake.requests.length
  const streamed = await askStream(gateway.client, { parts, ocr: range })
  const asked = fake.requests.slice(before)
  assert.equal(asked.length, count)
  assert.deepEqual(fake.layoutProblems, [])
  for (const { image } of asked) assert.equal(Math.max(image?.width ?? 0, image?.height ?? 0), 1540)

  const whole = await askWhole(gateway.client, { parts, ocr: { ...range, cache: 'off' } })
  assert.equal(streamed.content, whole.content)
  assert.equal(streamed.ocr.pages.length, count)
  // What the fake says of a page depends on its pixels alone: a page asked by itself must say the same.
  for (const { page, start, end, status } of streamed.ocr.pages) {
    assert.equal(status, 'ok')
    const alone = await askWhole(gateway.client, { parts, ocr: { pages: String(page), cache: 'off' } })
    assert.equal(streamed.content.slice(start, end), alone.content)
  }
}
