import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { HumanMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { startClientDesk, type ClientDesk } from '../../support/client-snippets.ts'
import { makePdf } from '../../support/make-pdf.ts'
import { runSnippets } from '../../support/run-snippets.ts'

const data = Buffer.from(makePdf([{ number: 1 }, { number: 2 }])).toString('base64')

describe('LangChain for JavaScript', () => {
  let desk: ClientDesk
  let model: ChatOpenAI

  before(async () => {
    desk = await startClientDesk()
    const configuration = { baseURL: `${desk.gateway.url}/v1` }
    model = new ChatOpenAI({ model: 'default', apiKey: desk.apiKey, configuration, maxRetries: 0 })
  })
  after(() => desk[Symbol.asyncDispose]())

  for (const { name, run } of runSnippets('LangChain (JavaScript)')) it(name, () => run(desk))

  for (const [name, message] of [
    ['as blocks', new HumanMessage({ contentBlocks: [{ type: 'file', mimeType: 'application/pdf', data }] })],
    ['as plain content', new HumanMessage({ content: [{ type: 'file', mimeType: 'application/pdf', data }] })],
    ['as OpenAI’s part', new HumanMessage({ content: [{ type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${data}` } }] })], // prettier-ignore
  ] as const) {
    it(`has a PDF read ${name}`, async () => {
      const { text, response_metadata: metadata } = await model.invoke([message])
      assert.match(text, /page 1\.[^]*page 2\./)
      assert.equal(metadata['finish_reason'], 'stop')
      assert.match(JSON.stringify(metadata['tokenUsage']), /"totalTokens":[1-9]/)
    })
  }

  it('has a PDF read with OpenAI’s responses, streamed or not', async () => {
    const configuration = { baseURL: `${desk.gateway.url}/v1` }
    const there = new ChatOpenAI({ model: 'default', apiKey: desk.apiKey, configuration, useResponsesApi: true })
    const message = new HumanMessage({ contentBlocks: [{ type: 'file', mimeType: 'application/pdf', data }] })
    assert.match((await there.invoke([message])).text, /page 1\.[^]*page 2\./)
    const chunks = await Array.fromAsync(await there.stream([message]))
    assert.match(chunks.map(({ text }) => text).join(''), /page 1\.[^]*page 2\./)
  })

  it('throws an error with its code', async () => {
    const contentBlocks = [{ type: 'file' as const, mimeType: 'application/pdf', data: 'JVBERi0xLjQ=' }]
    await assert.rejects(model.invoke([new HumanMessage({ contentBlocks })]), { code: 'document_unreadable' })
  })
})
