import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Batch, BatchStatus } from '../../../gateway/batch/batch.ts'
import { finalizeBatch } from '../../../gateway/batch/finalization-task.ts'
import { validateBatch } from '../../../gateway/batch/validation-task.ts'

const batchOf = (status: BatchStatus): Batch => ({
  id: 'batch_1',
  owner: '',
  requestId: 'req_1',
  endpoint: '/v1/ocr',
  inputFileId: 'file-1',
  completionWindow: '24h',
  metadata: null,
  outputSeconds: null,
  status,
  model: null,
  times: {
    created: 1,
    inProgress: null,
    expires: 2,
    finalizing: null,
    completed: 2,
    failed: 2,
    expired: null,
    cancelling: null,
    cancelled: null,
  },
  problems: [],
  outputFileId: null,
  errorFileId: null,
  lines: 1,
  counts: { total: 1, completed: 1, failed: 0 },
  usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 },
})

describe('the end of a batch', () => {
  for (const [task, status, run] of [
    ['validated', 'failed', validateBatch],
    ['finalized', 'completed', finalizeBatch],
  ] as const)
    it(`is told when a task is handed out again whose process died behind the end of the batch that it ${task}`, async () => {
      const told: string[] = []
      let isAway = true
      const services = {
        store: { find: async () => batchOf(status) },
        blobs: { remove: async () => {} },
        pages: null,
        async onEnded(batch: Batch) {
          if (isAway) throw new Error('Redis is away')
          told.push(`${batch.id} ${batch.status}`)
        },
      } as unknown as Parameters<typeof validateBatch>[1] & Parameters<typeof finalizeBatch>[1]
      // The task fails, and is handed out once more.
      await assert.rejects(run('batch_1', services, new AbortController().signal), /Redis is away/)
      isAway = false
      await run('batch_1', services, new AbortController().signal)
      assert.deepEqual(told, [`batch_1 ${status}`])
    })
})
