import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createVllmEngine } from '../../gateway/engine/vllm/engine.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { createUpstreams } from '../../gateway/upstream/upstreams.ts'
import { collect } from '../../gateway/read/collect.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { imageOnlyProfile, promptOf } from '../support/page-prompt.ts'

const TIMEOUT = 20_000
const recordings = join(import.meta.dirname, '../../../shared/reference/vllm-recordings')
const files = readdirSync(recordings)

/** Answers a page with the bytes of a recording, and returns how it ended, or what was thrown. */
async function replay(file: string, status: number): Promise<string | GatewayError> {
  const body = readFileSync(join(recordings, file), 'utf8')
  await using fake = await startFakeVllm({ answer: () => ({ failure: { status, body } }) })
  const upstreams = createUpstreams({
    urls: [fake.url],
    apiKey: null,
    refreshSeconds: 3600,
    connectTimeoutSeconds: 1,
    concurrency: null,
    patienceSeconds: 0,
    chooseProfile: () => imageOnlyProfile,
  })
  try {
    await upstreams.refresh(AbortSignal.timeout(TIMEOUT))
    const engine = createVllmEngine({ upstreams, firstTokenTimeoutSeconds: 5, idleTimeoutSeconds: 5 })
    const { finishReason } = await collect(engine, await promptOf(), AbortSignal.timeout(TIMEOUT))
    return finishReason
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    return error
  } finally {
    await upstreams.close()
  }
}

/** As it is in the body; a body without one comes with the status that is named. */
function statusOf(file: string): number {
  const body = JSON.parse(readFileSync(join(recordings, file), 'utf8')) as { error?: { code?: number } | string }
  const named: Readonly<Record<string, number>> = { 'error-key.json': 401, 'error-path.json': 404, 'error-method.json': 405 } // prettier-ignore
  return typeof body.error === 'object' ? (body.error.code ?? 400) : (named[file] ?? 400)
}

describe('what a real vLLM has said', { timeout: 300_000 }, () => {
  for (const file of files.filter((name) => name.startsWith('error-')))
    it(`is an error that a person can read: ${file}`, async () => {
      const error = await replay(file, statusOf(file))
      assert.ok(error instanceof GatewayError)
      assert.ok(error.message.length < 450, error.message)
      assert.doesNotMatch(error.message, /base64,|input_value='|undefined|\[object/)
    })

  const ends: Readonly<Record<string, string>> = {
    'stream-abort.sse': 'abort',
    'stream-abort-waiting.sse': 'abort',
    'stream-repetition.sse': 'repetition',
    'stream-stop.sse': 'stop',
    'stream-logprobs-stop.sse': 'stop',
  }
  for (const file of files.filter((name) => name.startsWith('stream-') && !name.includes('killed')))
    it(`ends as it says: ${file}`, async () => assert.equal(await replay(file, 200), ends[file] ?? 'length'))
})
