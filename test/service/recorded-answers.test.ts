import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { collect } from '../../gateway/read/collect.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { imageOnlyProfile, promptOf } from '../support/page-prompt.ts'

const TIMEOUT = 10_000
const recordings = join(import.meta.dirname, '../fixtures/vllm-recordings')

/** Answers a page with the bytes of a recording of vLLM, and returns what the engine makes of them. */
async function replay(file: string, status: number) {
  const body = readFileSync(join(recordings, file), 'utf8')
  const type = file.endsWith('.sse') ? 'text/event-stream; charset=utf-8' : 'application/json'
  await using fake = await startFakeVllm({
    answer: () => ({ failure: { status, body, headers: { 'content-type': type } } }),
  })
  const upstreams = createUpstreams({
    urls: [fake.url],
    apiKey: null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: null,
    patienceSeconds: 0,
    chooseProfile: () => imageOnlyProfile,
  })
  await upstreams.refresh(AbortSignal.timeout(TIMEOUT))
  const engine = createVllmEngine({ upstreams, firstTokenTimeoutSeconds: 5, idleTimeoutSeconds: 5 })
  try {
    const { text, finishReason, usage } = await collect(engine, await promptOf(), AbortSignal.timeout(TIMEOUT))
    return { text, end: finishReason, tokens: usage }
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    const { code, retry, kind, tokenShare } = error
    return { code, retry, kind, share: tokenShare }
  } finally {
    await upstreams.close()
  }
}

const rows: readonly { file: string; status?: number; expected: object }[] = [
  {
    file: 'plain.json',
    expected: {
      text: 'line1 order1 amount1 date1 note1\nline2',
      end: 'length',
      tokens: { promptTokens: 116, completionTokens: 6 },
    },
  },
  {
    file: 'stream-plain.sse',
    expected: {
      text: 'line1 order1 amount1 date1 note1\nline2',
      end: 'length',
      tokens: { promptTokens: 0, completionTokens: 0 },
    },
  },
  {
    file: 'stream-abort.sse',
    expected: { text: 'line1', end: 'abort', tokens: { promptTokens: 3053, completionTokens: 1 } },
  },
  {
    file: 'stream-abort-waiting.sse',
    expected: { text: '', end: 'abort', tokens: { promptTokens: 3053, completionTokens: 0 } },
  },
  {
    file: 'plain-abort.json',
    expected: { text: '', end: 'abort', tokens: { promptTokens: 3053, completionTokens: 0 } },
  },
  { file: 'stream-engine-killed.sse', expected: { code: 'engine_error', retry: true, kind: null, share: null } },
  {
    file: 'plain-engine-killed.json',
    status: 500,
    expected: { code: 'engine_error', retry: true, kind: null, share: null },
  },
  {
    file: 'error-encoder-cache.json',
    status: 400,
    expected: { code: 'engine_error', retry: false, kind: 'image_too_long', share: 4162 / 4175 },
  },
  {
    file: 'error-image-too-long.json',
    status: 400,
    expected: { code: 'engine_error', retry: false, kind: 'too_long', share: 2500 / 3053 / 2 },
  },
]

describe('what a real vLLM has said', { timeout: 60_000 }, () => {
  for (const { file, status = 200, expected } of rows)
    it(`is understood: ${file}`, async () => assert.deepEqual(await replay(file, status), expected))
})
