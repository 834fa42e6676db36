import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { within } from '../support/within.ts'

const TIMEOUT = 60_000

const PAGES = 24
/** Longer than Node's buffers, in thousands of pieces. */
const CHAT = Array.from({ length: 3000 }, (_, index) => `${'x'.repeat(2000)}${index} `)
const PAGE = Array.from({ length: 1500 }, (_, index) => `word${index * 7} is ${index}`).join(' ')

const document = filePart(makePdf(Array.from({ length: PAGES }, (_, index) => ({ number: index + 1, height: 120 }))))

describe('the listeners of a large answer', { timeout: TIMEOUT }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  const warnings: string[] = []
  // Fake and gateway run in this process: it hears of every emitter of theirs.
  const note = ({ name, message }: Error) => warnings.push(`${name}: ${message}`)

  before(async () => {
    process.on('warning', note)
    fake = await startFakeVllm({
      answer: ({ image }) => (image === null ? { deltas: CHAT } : `${image.pageNumber} ${PAGE}`),
    })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_LOOKAHEAD: `${PAGES}` })
  })
  after(async () => {
    await gateway[Symbol.asyncDispose]()
    await fake.kill()
    process.off('warning', note)
  })

  /** Reads an answer as a slow client does, so that it piles up on its way; returns its length. */
  async function readSlowly(body: object): Promise<number> {
    const asked = request(`${gateway.url}/v1/chat/completions`, { method: 'POST' }).end(JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    let length = 0
    for await (const piece of response as AsyncIterable<Buffer>) {
      length += piece.length
      await delay(1)
    }
    return length
  }

  const rows = [
    { name: 'a chat, streamed', content: 'Hello?', stream: true, atLeast: 6_000_000 },
    { name: 'a chat, whole', content: 'Hello?', stream: false, atLeast: 6_000_000 },
    { name: 'a document, streamed', content: [document], stream: true, atLeast: PAGES * PAGE.length },
    { name: 'a document, whole', content: [document], stream: false, atLeast: PAGES * PAGE.length },
  ]
  for (const { name, content, stream, atLeast } of rows)
    it(`do not pile up: ${name}`, async () => {
      const body = { model: 'default', stream, messages: [{ role: 'user', content }] }
      const length = await within(readSlowly(body), TIMEOUT / 2, 'the answer')
      assert.ok(length > atLeast, `${length} bytes`)
      // A warning is emitted on the turn after its cause.
      await nextTurn()
      assert.deepEqual(warnings, [])
    })
})
