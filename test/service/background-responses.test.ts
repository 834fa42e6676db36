import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses'
import { describePage, type FakeRequest } from '../fakes/fake-vllm-answer.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { collectEvents, deltasOf, inputFile, inputOf, readResponse, textOfResponse } from '../support/read-response.ts'
import { eventually } from '../support/within.ts'

const TIMEOUT = 300_000
const DEADLINE = 60_000

const pages = (count: number) => makePdf(Array.from({ length: count }, (_, index) => ({ number: index + 1 })))
const numbersIn = (content: string) =>
  [...content.matchAll(/This is page (\d+)\./g)].map(([, number]) => Number(number))
const pageOf = ({ image }: FakeRequest) => (image === null ? 0 : (numbersIn(describePage(image))[0] ?? 0))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** An upstream, and a folder in which gateway processes may follow each other. */
async function start() {
  const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  let mayAnswer = (_page: number): boolean => true
  const fake = await startFakeVllm({
    async answer(request) {
      const page = pageOf(request)
      await eventually(() => mayAnswer(page), TIMEOUT, 'the page may be answered')
      return `This is page ${page}.`
    },
  })
  const startGateway = async (settings: Record<string, string> = {}) => {
    const gateway = await startGatewayProcess({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_DATA_DIR: dataDir,
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '1',
      // An unknown server is sent fewer than the pages that the engine here holds.
      GATEWAY_UPSTREAM_CONCURRENCY: '8',
      ...settings,
    })
    const { responses } = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 })
    return Object.assign(gateway, { responses })
  }
  const stop = async () => {
    mayAnswer = () => true
    await fake.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return {
    fake,
    dataDir,
    startGateway,
    answerOnly: (which: (page: number) => boolean) => (mayAnswer = which),
    asked: () => fake.requests.map(pageOf).toSorted((a, b) => a - b),
    [Symbol.asyncDispose]: stop,
  }
}

/** How many pages are kept of responses that have not ended. */
function keptPages(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'gateway.db'), { readOnly: true })
  try {
    return (database.prepare('SELECT count(*) AS count FROM response_pages').get() as { count: number }).count
  } finally {
    database.close()
  }
}

type Client = OpenAI['responses']

const create = async (client: Client, body: object) =>
  readResponse(await client.create({ model: 'default', background: true, ...body } as ResponseCreateParamsNonStreaming))
const ended = async (client: Client, id: string) => {
  const read = async () => readResponse(await client.retrieve(id))
  await eventually(async () => !/queued|in_progress/.test((await read()).status), DEADLINE, 'the end of the response')
  return read()
}

// Most of the time is spent waiting for leases to end.
describe('a background response', { timeout: TIMEOUT, concurrency: 3 }, () => {
  for (const [name, settings, ocr] of [
    ['with the cache of a process', {}, {}],
    ['without a cache', { GATEWAY_CACHE_MAX_BYTES: '0' }, { cache: 'off' }],
  ] as const) {
    it(`survives kill -9 in the middle, ${name}: whole, and no page that was done is asked again`, async () => {
      await using setup = await start()
      const { answerOnly, fake, dataDir } = setup
      // Pages 1 to 4, and 9: done out of order.
      const isDone = (page: number) => page <= 4 || page === 9
      answerOnly(isDone)
      await using first = await setup.startGateway(settings)
      const { id } = await create(first.responses, { input: inputOf(inputFile(pages(12))), ocr })
      const seen: string[] = []
      let last = -1
      for await (const event of await first.responses.retrieve(id, { stream: true })) {
        last = event.sequence_number
        if (event.type === 'response.output_text.delta') seen.push(event.delta)
        if (numbersIn(seen.join('')).length === 4) break
      }
      await eventually(() => keptPages(dataDir) === 5, DEADLINE, 'page 9 is read and kept')
      first.child.kill('SIGKILL')
      await first.exited
      const before = fake.requests.length
      answerOnly(() => true)
      await using second = await setup.startGateway(settings)
      const whole = await ended(second.responses, id)
      assert.equal(whole.status, 'completed')
      assert.deepEqual(numbersIn(textOfResponse(whole)), upTo(12))
      assert.deepEqual(
        whole.ocr?.pages.map(({ status }) => status),
        Array(12).fill('ok'),
      )
      const again = fake.requests
        .slice(before)
        .map(pageOf)
        .toSorted((a, b) => a - b)
      assert.deepEqual(again, [5, 6, 7, 8, 10, 11, 12])
      // The stream goes on where it was, across the two processes.
      const rest = await collectEvents(await second.responses.retrieve(id, { stream: true, starting_after: last }))
      assert.equal(seen.join('') + deltasOf(rest).join(''), textOfResponse(whole))
      assert.equal(rest[0]?.sequence_number, last + 1)
      assert.deepEqual(readdirSync(join(dataDir, 'responses')), [id])
    })
  }

  it('is put back when the gateway stops, and goes on in the next', async () => {
    await using setup = await start()
    setup.answerOnly((page) => page <= 2)
    await using first = await setup.startGateway({ GATEWAY_DRAIN_SECONDS: '5' })
    const { id } = await create(first.responses, { input: inputOf(inputFile(pages(4))) })
    const stream = await first.responses.retrieve(id, { stream: true })
    let last = -1
    await assert.rejects(
      async () => {
        for await (const event of stream) {
          last = event.sequence_number
          if (event.type === 'response.output_text.delta' && event.delta.includes('page 2')) first.child.kill('SIGTERM')
        }
      },
      { code: 'draining' },
    )
    assert.deepEqual(await first.exited, [0, null])
    setup.answerOnly(() => true)
    await using second = await setup.startGateway()
    const rest = await collectEvents(await second.responses.retrieve(id, { stream: true, starting_after: last }))
    assert.deepEqual(numbersIn(deltasOf(rest).join('')), [3, 4])
    assert.deepEqual(setup.asked(), [1, 2, 3, 3, 4, 4])
  })

  it('is read once where several processes share a folder, and followed and cancelled from any of them', async () => {
    await using setup = await start()
    setup.answerOnly((page) => page <= 1)
    await using one = await setup.startGateway()
    await using two = await setup.startGateway()
    const { id } = await create(one.responses, { input: inputOf(inputFile(pages(3))) })
    const gone = await create(one.responses, { input: inputOf(inputFile(pages(2))), ocr: { cache: 'off' } })
    await eventually(() => setup.asked().length === 5, DEADLINE, 'all pages are asked for')
    const stream = await two.responses.retrieve(id, { stream: true })
    assert.equal(readResponse(await two.responses.cancel(gone.id)).status, 'cancelled')
    await eventually(() => setup.fake.requests.some(({ aborted }) => aborted), DEADLINE, 'the cancelled one is left')
    setup.answerOnly(() => true)
    const events = await collectEvents(stream)
    assert.deepEqual(numbersIn(deltasOf(events).join('')), [1, 2, 3])
    assert.equal(readResponse(await one.responses.retrieve(gone.id)).status, 'cancelled')
    // Pages 1 to 3 of the one, and 1 and 2 of the other that does not share them; page 1 was answered at once.
    assert.deepEqual(setup.asked().length, 5)
  })

  it('waits for an engine that is not there yet', async () => {
    await using setup = await start()
    await using gateway = await setup.startGateway()
    setup.fake.setHealthy(false)
    setup.fake.setScaling(true)
    await eventually(
      async () => (await fetch(`${gateway.url}/ready`)).status === 503,
      DEADLINE,
      'the upstream is known to be down',
    )
    const { id } = await create(gateway.responses, {
      input: inputOf(inputFile(pages(2))),
      model: 'lightonai/LightOnOCR-2-1B',
    })
    await new Promise((resolve) => setTimeout(resolve, 3000))
    assert.equal(readResponse(await gateway.responses.retrieve(id)).status, 'in_progress')
    setup.fake.setHealthy(true)
    setup.fake.setScaling(false)
    const whole = await ended(gateway.responses, id)
    assert.deepEqual([whole.status, numbersIn(textOfResponse(whole))], ['completed', [1, 2]])
  })
})
