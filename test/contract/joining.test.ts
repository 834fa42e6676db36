import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { chatCompletion } from '../../gateway/wire/openai/chat-completion.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole, beginningPage } from '../support/read-answer.ts'
import { inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { answersIn, bodyOf, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const PLAIN = 'lightonai/LightOnOCR-2-1B'
const LAYOUT = 'lightonai/LightOnOCR-3-1B'

const texts = [
  '# Manual\n\nOnly when the second visit shows no change, and not before, is the matter',
  'passed to the county.\n\n| No. | Name |\n|---|---|\n| 1 | Gate |\n| 2 | Stile |',
  '| No. | Name |\n|---|---|\n| 3 | Bridge |\n\nA list of everything that is miss-',
  'ing goes to the secretary.',
]
const written = texts.map((text, index) => `${text}\n\nIssue 7 — Not for resale ${index + 1}/4`)

const joined = `# Manual

Only when the second visit shows no change, and not before, is the matter passed to the county.

| No. | Name |
|---|---|
| 1 | Gate |
| 2 | Stile |
| 3 | Bridge |

A list of everything that is missing goes to the secretary.`

const document = makePdf([1, 2, 3, 4].map((number) => ({ number, lines: ['Some text'] })))
const ALL = { join: true, headers: 'strip', footers: 'separate' }

let fake: FakeVllm
let gateway: TestGateway

before(async () => {
  fake = await startFakeVllm({
    models: [PLAIN, LAYOUT],
    answer({ image, body }) {
      const text = written[(image?.pageNumber ?? 1) - 1] ?? ''
      return body?.model === LAYOUT ? `![text](10,10,900,500) ${text}` : text
    },
  })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})

const ask = (ocr: object, model = PLAIN) => ({ model, parts: [filePart(document)], ocr })

describe('joined pages', () => {
  it('are as they were read where nothing is asked for', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask({}))
    assert.equal(content, written.join('\n\n---\n\n'))
    assert.ok(ocr.pages.every((page) => page.joined === undefined && page.footer === undefined))
  })

  it('are one text, and the ledger says where each block and each page stands', async () => {
    const { content, ocr } = await askWhole(gateway.client, ask(ALL))
    assert.equal(content, joined)
    assert.deepEqual(
      ocr.pages.map(({ footer }) => footer),
      [1, 2, 3, 4].map((page) => `Issue 7 — Not for resale ${page}/4`),
    )
    const table = /\| No[^]*Bridge \|/.exec(content)?.[0]
    assert.deepEqual(
      ocr.pages.map(({ joined: block }) => block && [block.page, block.kind, content.slice(block.start, block.end)]),
      [
        undefined,
        [1, 'paragraph', content.split('\n\n')[1]],
        [2, 'table', table],
        [3, 'word', content.split('\n\n').at(-1)],
      ],
    )
    assert.equal(
      content.slice(ocr.pages[2]?.start, ocr.pages[2]?.end),
      `| 3 | Bridge |\n\n${texts[2]?.split('\n\n')[1]?.slice(0, -1)}`,
    )
  })

  it('are the same in a stream, each of whose pages begins with a piece that says so', async () => {
    const whole = await askWhole(gateway.client, ask(ALL))
    const streamed = await askStream(gateway.client, ask(ALL))
    assert.equal(streamed.content, whole.content)
    const lines = (ocr: typeof whole.ocr) =>
      ocr.pages.map(({ joined: block, start, end, footer }) => ({ block, start, end, footer }))
    assert.deepEqual(lines(streamed.ocr), lines(whole.ocr))
    assert.deepEqual(
      streamed.chunks.flatMap((chunk) => beginningPage(chunk) ?? []),
      [1, 2, 3, 4],
    )
  })

  it('are those of a response, too', async () => {
    const body = { model: PLAIN, input: inputOf(inputFile(document)), ocr: ALL }
    const response = await gateway.client.responses.create(body as unknown as ResponseCreateParamsNonStreaming)
    const { ocr, ...rest } = readResponse(response)
    assert.equal(textOfResponse(rest), joined)
    assert.equal(ocr?.pages[1]?.joined?.page, 1)
  })

  it('are those of a line of a batch, too', async () => {
    const chat = { model: PLAIN, messages: [{ role: 'user', content: [filePart(document)] }], ocr: ALL }
    const endpoint = '/v1/chat/completions'
    const batch = await createBatch(gateway.client, endpoint, linesOf(endpoint, [{ custom_id: 'a', body: chat }]))
    const { output_file_id: output } = await untilEnded(gateway.client, batch.id)
    const [answer] = await answersIn(gateway.client, output)
    assert.equal(chatCompletion.parse(bodyOf(answer)).choices[0]?.message.content, joined)
  })

  it('are read from the cache, whatever is to be joined', async () => {
    const asked = fake.requests.length
    const { content } = await askWhole(gateway.client, ask({ join: { tables: true } }))
    assert.equal(fake.requests.length, asked)
    assert.match(content, /\| 2 \| Stile \|\n\nIssue 7/)
    const tables = await askWhole(gateway.client, ask({ join: { tables: true }, footers: 'strip' }))
    assert.match(tables.content, /\| 2 \| Stile \|\n\| 3 \| Bridge \|/)
    assert.match(tables.content, /is the matter\n\n---\n\npassed to/)
  })

  it('have no effect where a task does not answer with pages, which is said', async () => {
    const { ocr, content } = await askWhole(gateway.client, ask({ join: true, task: 'layout' }, LAYOUT))
    assert.deepEqual(
      ocr.warnings?.map(({ code, message }) => [code, message.includes('ocr.join')]),
      [['option_ignored', true]],
    )
    assert.ok(content.includes('\n\n---\n\n'))
  })

  for (const ocr of [{ join: 'yes' }, { join: { words: true } }, { headers: 'drop' }, { footers: true }]) {
    it(`are refused where they are asked for in another way: ${JSON.stringify(ocr)}`, async () => {
      await assert.rejects(askWhole(gateway.client, ask(ocr)), /400/)
    })
  }
})

describe('the pages of POST /v1/ocr', () => {
  const read = async (more: object) => {
    const body = { model: PLAIN, document: { document_url: dataUrl(document, 'application/pdf') }, ...more }
    const response = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await response.json()) as {
      pages: { markdown: string; header: string | null; footer: string | null }[]
      ocr: { warnings?: { code: string; message: string }[] }
    }
  }

  it('have their footers apart where that is asked for, whatever the model', async () => {
    const { pages, ocr } = await read({ extract_footer: true })
    assert.deepEqual(
      pages.map(({ markdown, header, footer }) => [markdown, header, footer]),
      texts.map((text, index) => [text, null, `Issue 7 — Not for resale ${index + 1}/4`]),
    )
    assert.equal(ocr.warnings, undefined)
    assert.equal((await read({})).pages[0]?.markdown, written[0])
  })

  it('are not joined, which is said', async () => {
    const { pages, ocr } = await read({ ocr: { join: true } })
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      written,
    )
    assert.match(ocr.warnings?.[0]?.message ?? '', /ocr\.join/)
  })
})
