import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createMistral } from '@ai-sdk/mistral'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText, type ModelMessage } from 'ai'
import { encodePng } from '../../fixtures/images.ts'
import { drawNumbered } from '../../fixtures/printed-page.ts'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { runSnippets } from '../../support/run-snippets.ts'

const pdf = Buffer.from(makePdf([{ number: 1 }, { number: 2 }]))
const png = await encodePng(drawNumbered(5))
const asking = (data: Uint8Array, mediaType = 'application/pdf', filename = 'scan.pdf'): ModelMessage[] => [
  { role: 'user', content: [{ type: 'file', data, mediaType, filename }] },
]

/** Adds an option of the gateway's own, which this provider does not pass on. */
const failing: typeof fetch = (url, init) => {
  const body = JSON.parse(init?.body as string) as object
  return fetch(url, { ...init, body: JSON.stringify({ ...body, ocr: { on_page_error: 'fail' } }) })
}

describe('the AI SDK', () => {
  let desk: ClientDesk

  before(async () => {
    desk = await startClientDesk()
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('Vercel AI SDK')) it(name, () => run(desk))

  const settings = () => ({ baseURL: `${desk.gateway.url}/v1`, apiKey: desk.apiKey })
  const providers = {
    'openai-compatible': () =>
      createOpenAICompatible({ name: 'gateway', includeUsage: true, ...settings() })('default'),
    openai: () => createOpenAI(settings()).chat('default'),
    'openai, with responses': () => createOpenAI(settings())('default'),
    mistral: () => createMistral(settings())('default'),
  }

  for (const [name, model] of Object.entries(providers)) {
    it(`reads a PDF and an image, streamed or not: ${name}`, async () => {
      const { text, response, finishReason, usage } = await generateText({ model: model(), messages: asking(pdf) })
      assert.match(text, /page 1\.[^]*page 2\./)
      assert.match(response.headers?.['x-cache'] ?? '', /^(?:MISS|HIT)$/)
      assert.equal(finishReason, 'stop')
      assert.ok((usage.totalTokens ?? 0) > 0)
      const streamed = streamText({ model: model(), messages: asking(png, 'image/png') })
      assert.match((await Array.fromAsync(streamed.textStream)).join(''), /page 5\./)
      // Mistral's streams have the tokens unasked; this client cannot ask for them.
      if (name !== 'mistral') assert.ok(((await streamed.usage).totalTokens ?? 0) > 0)
    })

    it(`says what was wrong, and does not try again: ${name}`, async () => {
      const asked = generateText({ model: model(), messages: asking(Buffer.from('%PDF-1.4')) })
      await assert.rejects(asked, (error) => {
        assert.ok(APICallError.isInstance(error), String(error))
        assert.match(error.message, /cannot be opened|no page|not.*PDF|damaged/i)
        assert.deepEqual([error.statusCode, error.isRetryable], [400, false])
        return true
      })
    })
  }

  it('passes the gateway’s own options on', async () => {
    const { text } = await generateText({
      model: providers['openai-compatible'](),
      messages: asking(pdf),
      providerOptions: { gateway: { ocr: { pages: '2' } } },
    })
    assert.doesNotMatch(text, /page 1\./)
    assert.match(text, /page 2\./)
  })

  it('passes addresses on to the gateway, with responses', async () => {
    const files = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/pdf' }).end(pdf))
    await once(files.listen(0, '127.0.0.1'), 'listening')
    const host = `127.0.0.1:${(files.address() as AddressInfo).port}`
    try {
      await using open = await startClientDesk({ GATEWAY_ALLOW_URLS: 'true', GATEWAY_ALLOWED_URL_HOSTS: host })
      const model = createOpenAI({ ...settings(), baseURL: `${open.gateway.url}/v1` })('default')
      const data = new URL(`http://${host}/scan.pdf`)
      const content = [{ type: 'file' as const, data, mediaType: 'application/pdf' }]
      const { text } = await generateText({ model, messages: [{ role: 'user', content }] })
      assert.match(text, /page 1\.[^]*page 2\./)
    } finally {
      files.close()
    }
  })

  for (const api of ['chat completions', 'responses'])
    it(`has an error among the parts of a stream that fails in the middle: ${api}`, async () => {
      await using broke = await startClientDesk()
      const failure = {
        status: 400,
        body: { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } },
      }
      broke.fake.setAnswer(({ image }) => (image?.pageNumber === 2 ? { failure } : 'This is page 1.'))
      const own = { ...settings(), baseURL: `${broke.gateway.url}/v1`, fetch: failing }
      const model = api === 'responses' ? createOpenAI(own)('default') : createOpenAI(own).chat('default')
      const { fullStream } = streamText({ model, messages: asking(pdf), onError: () => {} })
      const parts = await Array.fromAsync(fullStream)
      const error = parts.find((part) => part.type === 'error')?.error
      assert.ok(parts.some(({ type }) => type === 'text-delta'))
      assert.match(JSON.stringify(error) + String(error), /engine/)
    })
})
