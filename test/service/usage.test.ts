import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import type { UsageList } from '../../gateway/wire/openai/usage.ts'
import { usageList } from '../../gateway/wire/openai/usage.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'

/** Reads usage as a client without a library does. */
async function usageOf({ url }: TestGateway, query = '', key = 'one'): Promise<UsageList> {
  const response = await fetch(`${url}/v1/usage?${query}`, { headers: { authorization: `Bearer ${key}` } })
  const body: unknown = await response.json()
  assert.equal(response.status, 200, JSON.stringify(body))
  return usageList.parse(body)
}

let fake: FakeVllm
let gateway: TestGateway

const clientOf = (key: string): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
const ask = (client: OpenAI, numbers: readonly number[], more: object = {}) =>
  client.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: [filePart(makePdf(numbers.map((number) => ({ number }))))] }],
    ...more,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming)

describe('usage', () => {
  before(async () => {
    fake = await startFakeVllm({ models: [MODEL, 'some/chat-model'] })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_API_KEYS: 'first:one,second:two' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  it('counts', async () => {
    await ask(clientOf('one'), [1, 2, 3])
    await ask(clientOf('two'), [1, 2, 4])
    const { data } = await usageOf(gateway)
    console.log(data)
    const chat = await clientOf('one').chat.completions.create({ model: MODEL, messages: [{role:'user', content:'hello'}]})
    console.log(chat.usage)
    const s = await clientOf('two').chat.completions.create({ model: MODEL, stream: true, stream_options: {include_usage:true}, messages: [{role:'user', content:'hello'}]})
    for await (const e of s) if (e.usage) console.log(e.usage)
    console.log((await usageOf(gateway, 'group_by=key')).data)
  })
})
