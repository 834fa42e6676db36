import { randomBytes } from 'node:crypto'
import type { Batch } from '../../gateway/batch/batch.ts'

let made = 0

/** Makes a batch with an id that sorts behind those made before. */
export function makeBatch(change: Partial<Batch> = {}): Batch {
  made += 1
  const id = `batch_${(Date.now() + made).toString(36).padStart(9, '0')}${randomBytes(8).toString('hex')}`
  const created = Math.floor(Date.now() / 1000)
  const times = { created, inProgress: null, expires: created + 86_400, finalizing: null, completed: null }
  return {
    id,
    owner: 'team',
    requestId: 'req_1',
    endpoint: '/v1/chat/completions',
    inputFileId: 'file-1',
    completionWindow: '24h',
    metadata: null,
    outputSeconds: null,
    status: 'validating',
    model: null,
    times: { ...times, failed: null, expired: null, cancelling: null, cancelled: null },
    problems: [],
    outputFileId: null,
    errorFileId: null,
    lines: 0,
    counts: { total: 0, completed: 0, failed: 0 },
    usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 },
    ...change,
  }
}
