import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { inputItemList } from '../../gateway/wire/openai/response-items.ts'
import { describePage, type FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { collectEvents, deltasOf, inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually } from '../support/within.ts'

const DEADLINE = 10_000
const pages = (from: number, to = from) =>
  makePdf(Array.from({ length: to - from + 1 }, (_, index) => ({ number: from + index })))
const numbersIn = (content: string) =>
  [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number))

/** Answers that are held back until they are let go, those of the first pages first. */
function createGate() {
  const waiting: { readonly page: number; readonly go: () => void }[] = []
  return {
    answer: ({ image }: FakeRequest) => {
      const text = image === null ? '' : describePage(image)
      return new Promise<string>((resolve) => waiting.push({ page: numbersIn(text)[0] ?? 0, go: () => resolve(text) }))
    },
    waiting,
    let(count: number) {
      waiting.sort((a, b) => a.page - b.page)
      for (const { go } of waiting.splice(0, count)) go()
    },
  }
}

describe('stored responses', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_API_KEYS: 'one:1,two:2' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const one = () => gateway.client.withOptions({ apiKey: '1' }).responses
  const two = () => gateway.client.withOptions({ apiKey: '2' }).responses
  const create = async (body: object) =>
    readResponse(await one().create({ model: 'default', ...body } as ResponseCreateParamsNonStreaming))
  const retrieve = async (id: string) => readResponse(await one().retrieve(id))
  const ended = async (id: string) => {
    await eventually(async () => !/queued|in_progress/.test((await retrieve(id)).status), DEADLINE, 'the end')
    return retrieve(id)
  }

  it('are given again as they were, streamed or not', async () => {
    const whole = await create({ input: inputOf(inputFile(pages(1, 2))), metadata: { a: 'b' } })
    assert.deepEqual(await retrieve(whole.id), whole)
    const stream = await one().create({ model: 'default', input: inputOf(inputFile(pages(3))), stream: true })
    const last = (await collectEvents(stream)).at(-1)
    assert.ok(last?.type === 'response.completed')
    assert.deepEqual(await retrieve(last.response.id), last.response)
  })

  it('are not there with store: false, for another key, and when they were deleted', async () => {
    const unstored = await create({ input: inputOf(inputFile(pages(1))), store: false })
    const { id } = await create({ input: inputOf(inputFile(pages(1))) })
    const refused = { status: 404, code: 'response_not_found' }
    await assert.rejects(one().retrieve(unstored.id), refused)
    await assert.rejects(one().retrieve('resp_1'), refused)
    await assert.rejects(two().retrieve(id), refused)
    await assert.rejects(two().delete(id), refused)
    await assert.rejects(two().inputItems.list(id), refused)
    await assert.rejects(two().create({ model: 'default', previous_response_id: id }), {
      ...refused,
      param: 'previous_response_id',
    })
    await one().delete(id)
    await assert.rejects(one().retrieve(id), refused)
    await assert.rejects(one().delete(id), refused)
  })

  it('list what they were asked with, a page at a time, and without the documents themselves', async () => {
    const input = [
      { role: 'user', content: 'First.' },
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: [{ type: 'input_text', text: 'Second.' }, inputFile(pages(1), 'a.pdf')] },
    ]
    const { id } = await create({ input })
    const listed = []
    for await (const item of one().inputItems.list(id, { limit: 2, order: 'asc' })) listed.push(item)
    assert.deepEqual(
      listed.map((item) => item.type === 'message' && [item.role, item.content]),
      [
        ['user', [{ type: 'input_text', text: 'First.' }]],
        ['assistant', [{ type: 'output_text', text: 'Yes?', annotations: [] }]],
        [
          'user',
          [
            { type: 'input_text', text: 'Second.' },
            { type: 'input_file', filename: 'a.pdf' },
          ],
        ],
      ],
    )
    const first = await one().inputItems.list(id, { limit: 1 })
    assert.equal(first.has_more, true)
    const headers = { authorization: 'Bearer 1' }
    const raw = await (await fetch(`${gateway.url}/v1/responses/${id}/input_items`, { headers })).json()
    const { data, first_id: firstId } = inputItemList.parse(raw)
    assert.deepEqual([data.length, data[0]?.content.length, firstId], [3, 2, data[0]?.id])
    await assert.rejects(one().inputItems.list(id, { after: 'msg_0' }), { code: 'invalid_value', param: 'after' })
    await assert.rejects(one().inputItems.list(id, { limit: 0 }), { code: 'invalid_value', param: 'limit' })
  })

  it('that were waited for cannot be cancelled nor streamed again', async () => {
    const { id } = await create({ input: inputOf(inputFile(pages(1))) })
    await assert.rejects(one().cancel(id), { status: 400, code: 'invalid_value' })
    await assert.rejects(one().retrieve(id, { stream: true }), { status: 400, code: 'invalid_value', param: 'stream' })
  })

  it('do not count the tokens of an input, and say what does', async () => {
    await assert.rejects(one().inputTokens.count({ model: 'default', input: 'a' }), {
      status: 404,
      message: /dry_run/,
    })
  })

  describe('as what came before another one', () => {
    it('lend it their documents, where it has none, or wants all', async () => {
      const first = await create({ input: inputOf(inputFile(pages(1, 2))) })
      const second = await create({ previous_response_id: first.id, input: 'And page 2?', ocr: { pages: '2' } })
      assert.deepEqual([numbersIn(textOfResponse(second)), second.previous_response_id], [[2], first.id])
      const third = await create({ previous_response_id: second.id })
      assert.deepEqual(numbersIn(textOfResponse(third)), [1, 2])
      const more = { previous_response_id: third.id, input: inputOf(inputFile(pages(5))) }
      const last = await create(more)
      assert.deepEqual(numbersIn(textOfResponse(last)), [5])
      assert.deepEqual(
        last.ocr?.warnings?.map(({ code }) => code),
        ['documents_not_read'],
      )
      const all = await create({ ...more, ocr: { documents: 'all' }, background: true })
      assert.deepEqual(numbersIn(textOfResponse(await ended(all.id))), [1, 2, 5])
    })
  })

  describe('in the background', () => {
    it('are queued at once, and whole later', async () => {
      const gate = createGate()
      fake.setAnswer(gate.answer)
      const queued = await create({ input: inputOf(inputFile(pages(100, 102))), background: true })
      assert.deepEqual([queued.status, queued.background, queued.output], ['queued', true, []])
      await eventually(() => gate.waiting.length === 3, DEADLINE, 'the pages are asked for')
      assert.equal((await retrieve(queued.id)).status, 'in_progress')
      gate.let(3)
      const whole = await ended(queued.id)
      assert.deepEqual([whole.status, numbersIn(textOfResponse(whole))], ['completed', [100, 101, 102]])
      assert.equal(whole.ocr?.pages.length, 3)
      fake.setAnswer(() => undefined)
    })

    it('are followed while they are read, and from any event on, also when they are whole', async () => {
      const gate = createGate()
      fake.setAnswer(gate.answer)
      const stream = await one().create({
        model: 'default',
        input: inputOf(inputFile(pages(110, 112))),
        background: true,
        stream: true,
      })
      let id = ''
      let seen = 0
      for await (const event of stream) {
        if (event.type === 'response.created') id = event.response.id
        if (event.type === 'response.output_item.added') {
          await eventually(() => gate.waiting.length === 3, DEADLINE, 'the pages are asked for')
          gate.let(1)
        }
        seen = event.sequence_number
        // The client leaves in the middle.
        if (event.type === 'response.output_text.delta') break
      }
      const rest = one().retrieve(id, { stream: true, starting_after: seen })
      gate.let(2)
      const events = await collectEvents(await rest)
      assert.equal(events[0]?.sequence_number, seen + 1)
      const last = events.at(-1)
      assert.ok(last?.type === 'response.completed')
      assert.deepEqual(numbersIn(textOfResponse(last.response)), [110, 111, 112])
      const again = await collectEvents(await one().retrieve(id, { stream: true }))
      assert.deepEqual(again.slice(seen + 1), events)
      assert.deepEqual(
        again.slice(0, 5).map(({ type }) => type),
        ['created', 'queued', 'in_progress', 'output_item.added', 'content_part.added'].map(
          (name) => `response.${name}`,
        ),
      )
      assert.equal(deltasOf(again).join(''), textOfResponse(last.response))
      const end = last.sequence_number
      assert.deepEqual(await collectEvents(await one().retrieve(id, { stream: true, starting_after: end })), [])
      await assert.rejects(one().retrieve(id, { stream: true, starting_after: end + 1 }), {
        code: 'invalid_value',
        param: 'starting_after',
        message: new RegExp(`${end + 1}.*${end}`),
      })
      await assert.rejects(one().retrieve(id, { stream: true, starting_after: -5 }), { param: 'starting_after' })
      fake.setAnswer(() => undefined)
    })

    it('are whole in the stream helper of the client', async () => {
      const helper = one().stream({ model: 'default', input: inputOf(inputFile(pages(1, 2))), background: true })
      const final = await helper.finalResponse()
      assert.deepEqual(numbersIn(final.output_text), [1, 2])
      const resumed = one().stream({ response_id: final.id, starting_after: 4 })
      assert.deepEqual(numbersIn((await resumed.finalResponse()).output_text), [1, 2])
    })

    it('say what was wrong, in the object and in the stream', async () => {
      const broken = Buffer.from('%PDF-1.7 broken')
      const { id } = await create({ input: inputOf(inputFile(broken)), background: true })
      const failed = await ended(id)
      assert.deepEqual([failed.status, failed.error?.code], ['failed', 'document_unreadable'])
      assert.equal(failed.error?.param, 'input[0].content[0].file_data')
      const stream = await one().retrieve(id, { stream: true })
      await assert.rejects(collectEvents(stream), { code: 'document_unreadable' })
    })

    it('are cancelled while they are read, once or twice, and nothing reads on', async () => {
      const gate = createGate()
      fake.setAnswer(gate.answer)
      const { id } = await create({ input: inputOf(inputFile(pages(120, 122))), background: true })
      await eventually(() => gate.waiting.length === 3, DEADLINE, 'the pages are asked for')
      const asked = fake.requests.length
      assert.equal(readResponse(await one().cancel(id)).status, 'cancelled')
      assert.equal(readResponse(await one().cancel(id)).status, 'cancelled')
      await eventually(() => fake.requests.slice(-3).every(({ aborted }) => aborted), DEADLINE, 'the pages are left')
      assert.equal((await retrieve(id)).status, 'cancelled')
      await assert.rejects(one().retrieve(id, { stream: true }).then(collectEvents), { message: /cancelled/ })
      assert.equal(fake.requests.length, asked)
      fake.setAnswer(() => undefined)
    })

    it('stay as they are when they are cancelled after their end', async () => {
      const { id } = await create({ input: inputOf(inputFile(pages(1))), background: true })
      const whole = await ended(id)
      assert.deepEqual(readResponse(await one().cancel(id)), whole)
    })

    it('are ended when they are deleted', async () => {
      const gate = createGate()
      fake.setAnswer(gate.answer)
      const { id } = await create({ input: inputOf(inputFile(pages(130))), background: true })
      await eventually(() => gate.waiting.length === 1, DEADLINE, 'the page is asked for')
      await one().delete(id)
      await eventually(() => fake.requests.at(-1)?.aborted === true, DEADLINE, 'the page is left')
      await assert.rejects(one().retrieve(id), { code: 'response_not_found' })
      fake.setAnswer(() => undefined)
    })

    it('are refused at once where their options are wrong', async () => {
      const body = { input: inputOf(inputFile(pages(1))), background: true }
      await assert.rejects(create({ ...body, ocr: { task: 'sing' } }), { code: 'invalid_value', param: 'ocr.task' })
      await assert.rejects(create({ ...body, ocr: { pages: 'x' } }), { code: 'invalid_value', param: 'ocr.pages' })
    })
  })
})
