import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { keepPatiently } from '../../gateway/batch/kept-answer.ts'
import { indexPieces, type IndexedLine } from '../../gateway/batch/line-index.ts'
import { indexName, lineName } from '../../gateway/batch/names.ts'
import { writeFiles } from '../../gateway/batch/write-files.ts'
import { createDiskBlobs } from '../../gateway/files/disk-blobs.ts'
import { answersIn } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { makeBatch, openBatches } from '../unit/batch/make-batch.ts'

const { signal } = new AbortController()

async function* yielded<Item>(items: readonly Item[]): AsyncGenerator<Item, void, undefined> {
  yield* items
}

describe('the files of a batch', { timeout: 60_000 }, () => {
  it('are written once, whatever is begun again by the next process, and each line stands in one of them', async () => {
    await using gateway = await startTestGateway()
    await using opened = openBatches()
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    const blobs = createDiskBlobs(folder, 1000)
    const { store } = opened
    const batch = makeBatch({ id: 'batch_0123456789abcdef', status: 'finalizing', lines: 4 })
    await store.add(batch)
    const problem = { code: 'invalid_json', message: 'It is not valid JSON.', param: null } as const
    const lines: IndexedLine[] = ['done', null, 'failed', 'never'].map((customId) => ({
      offset: 0,
      length: 1,
      customId,
      problem: customId === null ? problem : null,
    }))
    await blobs.write(indexName(batch.id), indexPieces(yielded(lines)), () => {})
    for (const [line, outcome] of [
      [0, 'completed'],
      [2, 'failed'],
    ] as const) {
      const response = { status_code: outcome === 'failed' ? 400 : 200, request_id: 'r', body: {} }
      const answer = { id: `batch_req_${line}`, custom_id: lines[line]?.customId ?? null, response, error: null }
      const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
      await keepPatiently(blobs, lineName(batch.id, line), { outcome, usage, answer }, assert.fail, signal)
    }
    const services = { store, blobs, files: gateway.services.files.store }
    const written = await writeFiles(batch, 'batch_expired', services, signal)
    // As a process does that was killed behind the files, or between them.
    assert.deepEqual(await writeFiles(batch, 'batch_expired', services, signal), written)
    await gateway.client.files.delete(written.errorFileId ?? '')
    assert.deepEqual(await writeFiles(batch, 'batch_expired', services, signal), written)
    assert.equal(written.unrun, 1)
    const files = await gateway.client.files.list({ purpose: 'batch_output' })
    assert.equal(files.data.length, 2)
    const output = await answersIn(gateway.client, written.outputFileId)
    assert.deepEqual(
      output.map(({ custom_id }) => custom_id),
      ['done'],
    )
    const errors = await answersIn(gateway.client, written.errorFileId)
    assert.deepEqual(
      errors.map(({ custom_id, response, error }) => [custom_id, response?.status_code, error?.code]),
      [
        [null, 400, undefined],
        ['failed', 400, undefined],
        ['never', undefined, 'batch_expired'],
      ],
    )
    const found = await store.find('', batch.id)
    assert.deepEqual(found?.counts, { total: 4, completed: 1, failed: 3 })
    assert.deepEqual(found.usage, { inputTokens: 2, cachedTokens: 0, outputTokens: 2 })
    rmSync(folder, { recursive: true, force: true })
  })
})
