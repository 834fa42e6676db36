import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { keepPatiently } from '../../gateway/batch/kept-answer.ts'
import { indexPieces, type IndexedLine } from '../../gateway/batch/line-index.ts'
import { fatesName, indexName, lineName } from '../../gateway/batch/names.ts'
import { writeFiles } from '../../gateway/batch/write-files.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { createDiskBlobs } from '../../gateway/files/disk-blobs.ts'
import { answersIn } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { makeBatch, openBatches } from '../unit/batch/make-batch.ts'

const { signal } = new AbortController()

async function* yielded<Item>(items: readonly Item[]): AsyncGenerator<Item, void, undefined> {
  yield* items
}

/** Four lines: one that is done, one that is refused, one that has failed, and one that was never run. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const gateway = await startTestGateway()
  const opened = openBatches()
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
  const answerTo = async (line: number, outcome: 'completed' | 'failed') => {
    const response = { status_code: outcome === 'failed' ? 400 : 200, request_id: 'r', body: {} }
    const answer = { id: `batch_req_${line}`, custom_id: lines[line]?.customId ?? null, response, error: null }
    const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
    await keepPatiently(blobs, lineName(batch.id, line), { outcome, usage, answer }, assert.fail, signal)
  }
  await answerTo(0, 'completed')
  await answerTo(2, 'failed')
  return {
    gateway,
    blobs,
    store,
    batch,
    answerTo,
    services: { store, blobs, files: gateway.services.files.store },
    async idsIn(file: string | null) {
      return (await answersIn(gateway.client, file)).map(({ custom_id }) => custom_id)
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await opened[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe('the files of a batch', { timeout: 60_000 }, () => {
  it('are written once, whatever is begun again by the next process, and each line stands in one of them', async () => {
    await using setup = await start()
    const { gateway, store, batch, services } = setup
    const written = await writeFiles(batch, 'batch_expired', services, signal)
    // As a process does that was killed behind the files, or between them.
    assert.deepEqual(await writeFiles(batch, 'batch_expired', services, signal), written)
    await gateway.client.files.delete(written.errorFileId ?? '')
    assert.deepEqual(await writeFiles(batch, 'batch_expired', services, signal), written)
    assert.equal(written.unrun, 1)
    const files = await gateway.client.files.list({ purpose: 'batch_output' })
    assert.equal(files.data.length, 2)
    const output = await setup.idsIn(written.outputFileId)
    assert.deepEqual(output, ['done'])
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
  })

  it('lose no line, and count it as they have it, when its answer comes while they are written', async () => {
    await using setup = await start()
    const { services, store, batch } = setup
    const keep: typeof services.files.keep = async (...args) => {
      const file = await services.files.keep(...args)
      if (file.filename.includes('output')) await setup.answerTo(3, 'completed')
      return file
    }
    const late = { ...services, files: { ...services.files, keep } }
    // Who has run it says so before those do who write the files.
    const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1 }
    await store.endLines(batch.id, new Map([[3, { outcome: 'completed', usage }]]))
    const { outputFileId, errorFileId } = await writeFiles(batch, 'batch_cancelled', late, signal)
    assert.deepEqual(await setup.idsIn(outputFileId), ['done'])
    assert.deepEqual(await setup.idsIn(errorFileId), [null, 'failed', 'never'])
    const found = await store.find('', batch.id)
    assert.deepEqual(found?.counts, { total: 4, completed: 1, failed: 3 })
    assert.deepEqual(found.usage, { inputTokens: 2, cachedTokens: 0, outputTokens: 2 })
  })

  it('are what a process has begun that was killed between them, whatever has come since', async () => {
    await using setup = await start()
    const { services, batch } = setup
    const receive: typeof services.files.receive = async (owner, pieces, announced, id) => {
      if (id?.endsWith('error') === true) throw new Error('killed')
      return services.files.receive(owner, pieces, announced, id)
    }
    const killed = { ...services, files: { ...services.files, receive } }
    await assert.rejects(writeFiles(batch, 'batch_cancelled', killed, signal), /killed/)
    await setup.answerTo(3, 'completed')
    const { outputFileId, errorFileId } = await writeFiles(batch, 'batch_cancelled', services, signal)
    assert.deepEqual(await setup.idsIn(outputFileId), ['done'])
    assert.deepEqual(await setup.idsIn(errorFileId), [null, 'failed', 'never'])
  })

  it('are left alone by a process that stood still while another has ended the batch', async () => {
    await using setup = await start()
    const { services, store, batch, blobs } = setup
    const { outputFileId } = await writeFiles(batch, 'batch_cancelled', services, signal)
    // It looks for the file before it is there, and for the answers when they are gone.
    const find: typeof services.files.find = async () => {
      await store.change(batch.id, ['finalizing'], { status: 'cancelled' })
      await blobs.remove([fatesName(batch.id), ...[0, 2].map((line) => lineName(batch.id, line))])
      throw new GatewayError('file_not_found', 'It is not there yet.')
    }
    const slow = { ...services, files: { ...services.files, find } }
    await assert.rejects(writeFiles(batch, 'batch_cancelled', slow, signal))
    assert.deepEqual(await setup.idsIn(outputFileId), ['done'])
    assert.deepEqual((await store.find('', batch.id))?.counts, { total: 4, completed: 1, failed: 3 })
  })
})
