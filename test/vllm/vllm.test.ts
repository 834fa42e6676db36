import type OpenAI from 'openai'
import { APIError } from 'openai'
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import sharp from 'sharp'
import { z } from 'zod'
import { pageRequest } from '../../gateway/engine/vllm/page-request.ts'
import type { Prompt } from '../../gateway/engine/engine.ts'
import type { TargetSize } from '../../gateway/page/target-size.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { promptOf, servedModel } from '../support/page-prompt.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { eventually, within } from '../support/within.ts'
import { openServer, readSettings } from './server.ts'

/** For what an engine on a CPU takes minutes for; a promise about time has a deadline of its own. */
const DEADLINE = 600_000

const server = await openServer(readSettings())
after(() => server.stop())
const { profile, modelId } = server

const lines = ['Invoice 2026-0042', 'Screws M8 x 40, 200 pieces', 'Total 118.00']
/** Documents differ, so that no page is known. */
const document = (pages: number, first: number) =>
  filePart(makePdf(Array.from({ length: pages }, (_, index) => ({ number: first + index, lines }))))
let nextNumber = 1
const pages = (count: number) => {
  const first = nextNumber
  nextNumber += count
  return [document(count, first)]
}

async function startGateway(t: TestContext, settings: Record<string, string> = {}): Promise<TestGateway> {
  const apiKey = process.env['VLLM_API_KEY']
  const gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: server.url,
    ...(apiKey === undefined ? {} : { GATEWAY_UPSTREAM_API_KEY: apiKey }),
    ...settings,
  })
  t.after(() => gateway.stop())
  return gateway
}

/** Whether a page is read now. */
const reads = (client: OpenAI): Promise<boolean> =>
  askWhole(client, { parts: pages(1) }).then(
    ({ ocr }) => ocr.pages[0]?.status === 'ok',
    () => false,
  )

/** Attempts that failed with the server are made good by later ones. */
const isRead = ({ status }: { readonly status: string }): boolean => status === 'ok' || status === 'repaired'

/** The best of two: a machine that is busy with other things may answer late, and never early. */
async function isToldSoon(t: TestContext, ask: () => Promise<unknown>): Promise<void> {
  const took: number[] = []
  while (took.length < 2 && Math.min(...took) >= 3000) {
    const startedAt = performance.now()
    await assert.rejects(within(ask(), 60_000, 'the refusal'), { status: 503, code: 'engine_unavailable' })
    took.push(Math.round(performance.now() - startedAt))
  }
  t.diagnostic(`${took.join(', ')} ms`)
  assert.ok(Math.min(...took) < 3000, `${took.join(', ')} ms`)
}

const running = () => server.metric('vllm:num_requests_running')
const waiting = () => server.metric('vllm:num_requests_waiting')

/** A picture with some ink, however small. */
async function picture({ width, height }: TargetSize): Promise<Buffer> {
  const lines = Array.from({ length: 9 }, (_, line) => {
    const [y, thickness] = [((line + 0.5) * height) / 10, height / 40]
    return `<rect x="${width / 10}" y="${y}" width="${width / 2 + (line * width) / 30}" height="${thickness}"/>`
  })
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>${lines.join('')}</svg>`
  return sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer()
}

/** The prompt with which the gateway asks about an image of a size. */
async function promptFor(size: TargetSize, attempt: number): Promise<Prompt> {
  const model = servedModel(profile, { id: modelId, root: modelId, maxModelLen: server.maxModelLen })
  const prompt = await promptOf({ model })
  return {
    ...prompt,
    image: { ...prompt.image, ...size, data: new Uint8Array(await picture(size)), mediaType: 'image/png' },
    attempt: { ...prompt.attempt, number: attempt },
  }
}

const completion = z.object({
  choices: z.array(z.object({ finish_reason: z.string().nullable(), message: z.object({ content: z.string() }) })),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }),
})

/** Sends what the gateway would send, for a whole answer. */
async function chat(prompt: Prompt, changes: object = {}): Promise<Response> {
  const body = JSON.parse(String(pageRequest(prompt).body)) as Record<string, unknown>
  const whole = { ...body, stream: false, stream_options: undefined, ...changes }
  return server.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(whole) })
}

/** How long the server takes for one page's image and one token. */
async function firstTokenMilliseconds(): Promise<number> {
  // A4, as the profile has it drawn.
  const { longestEdge = 2339 } = profile.pixelBudget
  const prompt = await promptFor({ width: Math.round(longestEdge / Math.SQRT2), height: longestEdge }, 1)
  const startedAt = performance.now()
  await (await chat(prompt, { max_tokens: 1 })).text()
  return performance.now() - startedAt
}

const answerOf = async (response: Response) => completion.parse(await response.json())

const probe = await answerOf(await chat(await promptFor({ width: 800, height: 1000 }, 1), { max_tokens: 1000 }))
/** Its answers have no end: it is there to try loops with. */
const loops = probe.choices[0]?.finish_reason === 'length'

const about = `vLLM ${server.version}, ${modelId}, profile ${profile.id}`

describe(`pages that end: ${about}`, { skip: loops ? 'the answers of this server do not end' : false }, () => {
  it('are streamed in order, and known afterwards', async (t) => {
    const { client } = await startGateway(t)
    const question = { parts: pages(4) }
    const streamed = await within(askStream(client, question), DEADLINE, 'the stream')
    assert.equal(streamed.finishReason, 'stop')
    assert.deepEqual(
      streamed.ocr.pages.map(({ page, status, cache, attempts, finish_reason: reason }) => [page, status, cache, attempts, reason]), // prettier-ignore
      [1, 2, 3, 4].map((page) => [page, 'ok', 'miss', 1, 'stop']),
    )
    assert.ok(streamed.chunks.length > 4 && streamed.content.length > 0)
    const whole = await within(askWhole(client, question), DEADLINE, 'the same, whole')
    assert.deepEqual([whole.content, whole.cacheHeader], [streamed.content, 'HIT'])
  })

  it('cost what vLLM has counted', async (t) => {
    const { client } = await startGateway(t)
    const counted = async () =>
      Promise.all(['vllm:prompt_tokens_total', 'vllm:generation_tokens_total'].map((name) => server.metric(name)))
    const [prompt = 0, generated = 0] = await counted()
    const { usage, ocr } = await within(askWhole(client, { parts: pages(3) }), DEADLINE, 'the answer')
    const [promptAfter = 0, generatedAfter = 0] = await counted()
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [promptAfter - prompt, generatedAfter - generated])
    for (const { prompt_tokens: tokens, width, height } of ocr.pages)
      assert.ok(tokens >= profile.imageTokens({ width: width ?? 0, height: height ?? 0 }), `${tokens} tokens`)
  })

  it('say how sure the model was, when they are asked', async (t) => {
    const { client } = await startGateway(t)
    const { ocr } = await within(askWhole(client, { parts: pages(2), ocr: { confidence: true } }), DEADLINE, 'pages')
    for (const { confidence, status } of ocr.pages) {
      assert.equal(status, 'ok')
      assert.ok(confidence !== undefined && confidence.mean > 0 && confidence.lowest <= confidence.mean)
    }
  })

  it('are shown to the model one by one, and two images are refused by vLLM itself', async (t) => {
    const { client } = await startGateway(t)
    const images = await Promise.all([1, 2].map((number) => picture({ width: 600 + number, height: 800 })))
    const { ocr } = await within(askWhole(client, { parts: images.map((png) => imagePart(png)) }), DEADLINE, 'pages')
    assert.deepEqual(
      ocr.pages.map(({ status, document: from }) => [status, from]),
      [
        ['ok', 1],
        ['ok', 2],
      ],
    )
    const twice = { content: images.map((png) => imagePart(png)), role: 'user' }
    const refused = await chat(await promptFor({ width: 600, height: 800 }, 1), { messages: [twice] })
    assert.equal(refused.status, 400)
    assert.match(await refused.text(), /At most 1 image/)
  })

  it('end at the server within a second, or one step of its engine, when the client leaves', async (t) => {
    const { client } = await startGateway(t)
    // vLLM aborts between two steps. A step looks at as many images as fit, which takes a CPU seconds.
    const limit = Math.max(1000, 2 * (await firstTokenMilliseconds()))
    const took: number[] = []
    // The best of three: a machine that is busy with other things may answer late, and never early.
    while (took.length < 3 && Math.min(...took) >= limit) {
      const leaver = new AbortController()
      const left = assert.rejects(askStream(client, { parts: pages(60), signal: leaver.signal }))
      await eventually(async () => (await running()) > 0, DEADLINE, 'pages are read')
      leaver.abort()
      const startedAt = performance.now()
      await left
      await eventually(async () => (await running()) + (await waiting()) === 0, 30_000, 'the end at the server')
      took.push(Math.round(performance.now() - startedAt))
    }
    t.diagnostic(`${took.join(', ')} ms; within ${Math.round(limit)} ms`)
    assert.ok(Math.min(...took) < limit, `${took.join(', ')} ms, of ${limit} ms`)
  })

  it('are the same with the parameter that ends loops, which ends none of them', async () => {
    const { choices } = await answerOf(await chat(await promptFor({ width: 800, height: 1000 }, 2)))
    assert.equal(choices[0]?.finish_reason, 'stop')
  })
})

describe(`the tokens of an image: ${about}`, () => {
  const lighton = [
    [28, 28],
    [300, 200],
    [700, 991],
    [935, 1540],
    [1089, 1540],
    [1190, 1540],
    [1540, 866],
    [1540, 1540],
    [1540, 257],
    [385, 1540],
  ] as const
  const others = [
    [300, 200],
    [512, 512],
    [794, 1123],
    [1240, 1754],
    [1654, 2339],
    [1700, 2200],
    [1722, 2435],
    [1448, 2896],
    [2048, 2048],
    [1000, 400],
  ] as const
  const isPixtral = profile.pixelBudget.longestEdge === 1540

  it('are what the profile says, for ten sizes', async (t) => {
    const sizes = (isPixtral ? lighton : others).map(([width, height]) => ({ width, height }))
    const counted: { size: TargetSize; prompt: number; formula: number }[] = []
    for (const size of sizes) {
      const { usage } = await answerOf(await chat(await promptFor(size, 1), { max_tokens: 1 }))
      counted.push({ size, prompt: usage.prompt_tokens, formula: profile.imageTokens(size) })
    }
    // What the template and the prompt take is the same for all of them.
    const rest = counted.map(({ prompt, formula }) => prompt - formula)
    const table = counted.map(
      ({ size: { width, height }, prompt, formula }) => `${width}x${height} ${prompt} ${formula}`,
    )
    t.diagnostic(table.join('; '))
    assert.deepEqual(new Set(rest).size, 1, `width x height, prompt tokens, formula: ${table.join('; ')}`)
  })
})

describe(`answers without an end: ${about}`, { skip: loops ? false : 'the answers of this server end' }, () => {
  it('are ended by the gateway, which lets none of them run on', async (t) => {
    const { client } = await startGateway(t)
    const asked = within(askWhole(client, { parts: pages(2) }), DEADLINE, 'the answer')
    const outcome = await asked.then(({ ocr }) => ocr.pages, (error: unknown) => error) // prettier-ignore
    if (Array.isArray(outcome)) assert.ok(outcome.every(({ status }) => status !== 'ok'))
    else assert.ok(outcome instanceof APIError && outcome.code === 'engine_error', String(outcome))
    await eventually(async () => (await running()) === 0, 10_000, 'nothing runs')
  })

  it('are ended by vLLM itself, when a retry has lost the gateway', async () => {
    const answer = await answerOf(await chat(await promptFor({ width: 800, height: 1000 }, 2)))
    assert.equal(answer.choices[0]?.finish_reason, 'repetition')
    assert.ok(answer.usage.completion_tokens < profile.maxOutputTokens)
  })
})

const noDevMode = 'the server has no VLLM_SERVER_DEV_MODE=1: it cannot be put to sleep'

describe(`a server that sleeps: ${about}`, { skip: server.hasDevMode ? loops && 'loops' : noDevMode }, () => {
  const sleep = () => server.fetch('/sleep?level=1&mode=abort', { method: 'POST' })
  const wake = () => server.fetch('/wake_up', { method: 'POST' })
  after(wake)

  it('is told to the client within three seconds, and reads again when it wakes', async (t) => {
    const { client } = await startGateway(t)
    t.after(wake)
    await sleep()
    const asks: (() => Promise<unknown>)[] = [
      () => askWhole(client, { parts: pages(1) }),
      () => client.chat.completions.create({ model: modelId, messages: [{ role: 'user', content: 'hello' }] }),
    ]
    for (const ask of asks) await isToldSoon(t, ask)
    await wake()
    await eventually(() => reads(client), 60_000, 'a page after the sleep')
  })

  it('loses no page of a document that it was reading, when it wakes in time', async (t) => {
    const { client } = await startGateway(t, { GATEWAY_UPSTREAM_PATIENCE_SECONDS: '60' })
    const asked = within(askWhole(client, { parts: pages(30) }), DEADLINE, 'the document')
    await eventually(async () => (await running()) > 0, DEADLINE, 'pages are read')
    await sleep()
    await delay(1500)
    await wake()
    const { ocr } = await asked
    assert.ok(ocr.pages.every(isRead), JSON.stringify(ocr.pages.map(({ status, error }) => error ?? status))) // prettier-ignore
    t.diagnostic(`attempts: ${ocr.pages.map(({ attempts }) => attempts).join(' ')}`)
  })
})

const noControl = 'VLLM_COMMAND is not given: the server cannot be killed and started again'

describe(`a server that is killed: ${about}`, { skip: server.control === null ? noControl : loops && 'loops' }, () => {
  it('loses no page of a document that it was reading, when it is started again in time', async (t) => {
    const { client } = await startGateway(t, { GATEWAY_UPSTREAM_PATIENCE_SECONDS: '600' })
    const asked = within(askWhole(client, { parts: pages(40) }), DEADLINE, 'the document')
    await eventually(async () => (await running()) > 0, DEADLINE, 'pages are read')
    await server.control?.kill()
    await server.control?.start()
    const { ocr } = await asked
    assert.ok(ocr.pages.every(isRead), JSON.stringify(ocr.pages.map(({ status, error }) => error ?? status))) // prettier-ignore
    t.diagnostic(`attempts: ${ocr.pages.map(({ attempts }) => attempts).join(' ')}`)
  })

  it('is told to the client within three seconds while it is gone, and found when it is back', async (t) => {
    const { client } = await startGateway(t)
    await server.control?.kill()
    await isToldSoon(t, () => askWhole(client, { parts: pages(1) }))
    await server.control?.start()
    await eventually(() => reads(client), 60_000, 'a page after the restart')
  })
})
