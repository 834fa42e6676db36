import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findAnswer, keepPatiently } from '../../../gateway/batch/kept-answer.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import type { BlobStore } from '../../../gateway/files/blob-store.ts'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const usage = { inputTokens: 5, cachedTokens: 0, outputTokens: 7 }
const answerOf = (body: unknown) => ({
  outcome: 'completed' as const,
  usage,
  answer: { id: 'batch_req_1', custom_id: 'a', response: { status_code: 200, request_id: 'r', body }, error: null },
})
const { signal } = new AbortController()

async function textOf(blobs: BlobStore, name: string, holds: boolean): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of (await findAnswer(blobs, name, holds))?.pieces() ?? []) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

describe('the answer to a line', () => {
  it('is found as one line of JSON, short or long, with what it counts', async () => {
    const blobs = createDiskBlobs(folder, 1000)
    for (const [name, body] of [
      ['short', { text: 'é\n' }],
      ['long', { text: 'x€'.repeat(700_000), list: [1, null] }],
      ['text', 'no object'],
    ] as const) {
      const kept = answerOf(body)
      await keepPatiently(blobs, name, kept, assert.fail, signal)
      for (const holds of [true, false]) {
        const text = await textOf(blobs, name, holds)
        assert.equal(text.indexOf('\n'), text.length - 1)
        assert.deepEqual(JSON.parse(text), kept.answer)
      }
      const found = await findAnswer(blobs, name)
      assert.deepEqual([found?.outcome, found?.usage], ['completed', usage])
    }
    assert.equal(await findAnswer(blobs, 'nothing'), null)
  })

  it('waits for room on a full disk, and is not made again', async () => {
    const disk = createDiskBlobs(folder, 1000)
    let left = 3
    const blobs: BlobStore = {
      ...disk,
      async write(id, pieces, admit) {
        left -= 1
        if (left > 0) throw new GatewayError('storage_full', 'The disk is full.')
        return disk.write(id, pieces, admit)
      },
    }
    const told: string[] = []
    await keepPatiently(blobs, 'waits', answerOf({}), ({ code }) => told.push(code), signal, 1)
    assert.deepEqual(told, ['storage_full'])
    assert.notEqual(await findAnswer(disk, 'waits'), null)
    left = Infinity
    const leave = AbortSignal.timeout(20)
    await assert.rejects(
      keepPatiently(blobs, 'left', answerOf({}), () => {}, leave, 10_000),
      { name: /Abort|Timeout/ },
    )
  })
})
