import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findAnswer, keepPatiently } from '../../../gateway/batch/kept-answer.ts'
import { runLine, type LineServices } from '../../../gateway/batch/line-task.ts'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'
import { createMetrics } from '../../../gateway/telemetry/metrics.ts'
import { makeBatch, openBatches } from './make-batch.ts'

const observer = { onLength() {}, onOpened() {} }

describe('a line', () => {
  it('during which five processes ended is not run again: its answer says so, and is counted once, in the use of its owner too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    await using opened = openBatches()
    const { store, queue } = opened
    const blobs = createDiskBlobs(folder, 1000)
    await store.add(makeBatch({ lines: 2, model: 'some-ocr' }))
    const indexed = { offset: 0, length: 10, customId: 'the one', problem: null }
    const indexes = { get: async () => ({ lines: 2, line: async () => indexed }) }
    const used: unknown[] = []
    const usage = { add: (who: object, counts: object) => void used.push({ ...who, ...counts }) }
    const metrics = createMetrics()
    // Nothing else is asked of it: it would throw.
    const services = { store, queue, blobs, indexes, metrics, usage, pages: null } as unknown as LineServices
    for (const attempts of [6, 7]) {
      await runLine({ id: 'batch_1', line: 1, attempts }, services, observer, new AbortController().signal)
    }
    assert.deepEqual((await store.find('', 'batch_1'))?.counts, { total: 2, completed: 0, failed: 1 })
    assert.deepEqual(used, [{ key: '', model: 'some-ocr', requests: 1, requestsFailed: 1 }])
    const pieces: Uint8Array[] = []
    for await (const piece of (await findAnswer(blobs, 'batch_1.1'))?.pieces() ?? []) pieces.push(piece)
    const { custom_id, response } = JSON.parse(Buffer.concat(pieces).toString()) as {
      custom_id: string
      response: { status_code: number; body: { error: { code: string; message: string } } }
    }
    assert.deepEqual([custom_id, response.status_code, response.body.error.code], ['the one', 500, 'internal_error'])
    assert.match(response.body.error.message, /ended 5 times/)
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [when, status, left] of [
    ['after its batch has ended leaves nothing behind', 'cancelled', false],
    ['before that is kept', 'cancelling', true],
  ] as const)
    it(`whose answer comes ${when}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
      await using opened = openBatches()
      const { store, queue } = opened
      const blobs = createDiskBlobs(folder, 1000)
      await store.add(makeBatch({ lines: 2 }))
      const indexed = { offset: 0, length: 10, customId: 'the one', problem: null }
      const write: typeof blobs.write = async (...args) => {
        await store.change('batch_1', ['in_progress'], { status })
        return blobs.write(...args)
      }
      const services = {
        store,
        queue,
        blobs: { ...blobs, write },
        indexes: { get: async () => ({ lines: 2, line: async () => indexed }) },
        metrics: createMetrics(),
        pages: null,
      } as unknown as LineServices
      await runLine({ id: 'batch_1', line: 1, attempts: 6 }, services, observer, new AbortController().signal)
      assert.equal((await findAnswer(blobs, 'batch_1.1')) !== null, left)
      rmSync(folder, { recursive: true, force: true })
    })

  it('that another process has answered meanwhile has that answer, and no other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    await using opened = openBatches()
    const { store, queue } = opened
    const blobs = createDiskBlobs(folder, 1000)
    await store.add(makeBatch({ lines: 2 }))
    const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
    const response = { status_code: 200, request_id: 'r', body: {} }
    const answer = { id: 'batch_req_1', custom_id: 'the one', response, error: null }
    const line = async () => {
      const other = { outcome: 'completed', usage, answer } as const
      await keepPatiently(blobs, 'batch_1.1', other, assert.fail, new AbortController().signal)
      return { offset: 0, length: 10, customId: 'the one', problem: null }
    }
    const indexes = { get: async () => ({ lines: 2, line }) }
    const services = { store, queue, blobs, indexes, metrics: createMetrics(), pages: null } as unknown as LineServices
    await runLine({ id: 'batch_1', line: 1, attempts: 6 }, services, observer, new AbortController().signal)
    assert.equal((await findAnswer(blobs, 'batch_1.1'))?.outcome, 'completed')
    assert.deepEqual((await store.find('', 'batch_1'))?.counts, { total: 2, completed: 1, failed: 0 })
    rmSync(folder, { recursive: true, force: true })
  })
})
