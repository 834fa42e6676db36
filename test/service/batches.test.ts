import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { answersIn, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway } from '../support/start-gateway.ts'

const TIMEOUT = 120_000

const pdf = (...numbers: number[]) =>
  `data:application/pdf;base64,${Buffer.from(makePdf(numbers.map((number) => ({ number })))).toString('base64')}`
const chat = (...numbers: number[]) => ({
  model: 'default',
  messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: pdf(...numbers) } }] }],
})

async function start(settings: Record<string, string> = {}) {
  const fake = await startFakeVllm()
  const gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, ...settings })
  return {
    fake,
    gateway,
    client: gateway.client,
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await fake.kill()
    },
  }
}

describe('a batch', { timeout: TIMEOUT }, () => {
  it('answers each request as the endpoint does, in the order of its lines', async () => {
    await using setup = await start()
    const { client } = setup
    const lines = Array.from({ length: 5 }, (_, index) => ({ custom_id: `doc ${index}`, body: chat(index + 1) }))
    const created = await createBatch(client, '/v1/chat/completions', linesOf('/v1/chat/completions', lines))
    assert.equal(created.status, 'validating')
    const batch = await untilEnded(client, created.id)
    assert.equal(batch.status, 'completed')
    assert.deepEqual(batch.request_counts, { total: 5, completed: 5, failed: 0 })
    assert.equal(batch.error_file_id, null)
    const answers = await answersIn(client, batch.output_file_id)
    assert.deepEqual(
      answers.map(({ custom_id }) => custom_id),
      lines.map(({ custom_id }) => custom_id),
    )
    for (const [index, { response }] of answers.entries()) {
      assert.equal(response?.status_code, 200)
      const { choices } = response.body as { choices: { message: { content: string } }[] }
      assert.match(choices[0]?.message.content ?? '', new RegExp(`This is page ${index + 1}\\.`))
    }
  })
})
