import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI, { APIError } from 'openai'
import type { Answer, FakeRequest } from '../fakes/fake-vllm-answer.ts'
import type { Bitmap } from '../../gateway/prepare/bitmap.ts'
import { encode } from '../../gateway/prepare/encode.ts'
import { agreement } from '../../gateway/read/evidence/agreement.ts'
import { usageList } from '../../gateway/wire/openai/usage.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { englishLines } from '../fixtures/prose.ts'
import { drawText } from '../fixtures/printed-page.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { readMetrics, sumBy } from '../support/read-metrics.ts'
import { answersIn, bodyOf, createBatch, linesOf, untilEnded } from '../support/run-batch.ts'
import { inputFile, inputOf } from '../support/read-response.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const MAIN = 'lightonai/LightOnOCR-2-1B'
const OTHER = 'tencent/HunyuanOCR'
const TOTAL = 'The total is 1,250.00 euros, to be paid within 30 days of this letter.'

const pages = (...numbers: number[]) => [filePart(makePdf(numbers.map((number) => ({ number }))))]
const plainPrint = () => filePart(makePdf([{ lines: englishLines, fontSize: 11 }]))
const scripted = (answers: Record<string, (page: number) => Answer>) => (request: FakeRequest) =>
  answers[request.body?.model ?? '']?.(request.image?.pageNumber ?? 0)
const asked = (fake: FakeVllm, model: string) => fake.requests.filter(({ body }) => body?.model === model)
/** One drawer is enough for a page or two. */
const start = (environment: Record<string, string>) =>
  startTestGateway({ GATEWAY_RASTERIZE_THREADS: '1', ...environment })
const cutOff: Answer = { text: 'The total', finishReason: 'length' }

async function refusal(answer: Promise<unknown>) {
  const error = await answer.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof APIError, String(error))
  return [error.status, error.code, error.param]
}

describe('pages that the model cannot read', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  before(async () => {
    fake = await startFakeVllm({ models: [MAIN, OTHER] })
    gateway = await start({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  it('are read by the model that the request names for them, once, in its own way', async () => {
    fake.setAnswer(
      scripted({ [MAIN]: (page) => (page === 2 ? cutOff : `One ${page}`), [OTHER]: (page) => `Two ${page}` }),
    )
    const before = fake.requests.length
    const { content, ocr, usage } = await askWhole(gateway.client, {
      model: MAIN,
      parts: pages(1, 2, 3),
      ocr: { fallback_model: OTHER },
    })
    assert.equal(content, 'One 1\n\n---\n\nTwo 2\n\n---\n\nOne 3')
    assert.deepEqual(
      ocr.pages.map(({ status, model, route, attempts }) => [status, model, route, attempts]),
      [
        ['ok', MAIN, 'main', 1],
        ['repaired', OTHER, 'fallback', 4],
        ['ok', MAIN, 'main', 1],
      ],
    )
    assert.deepEqual(ocr.pages[1]?.reasons, ['cut_off', 'cut_off', 'cut_off'])
    assert.deepEqual(ocr.routes, { main: 2, fallback: 1 })
    const other = fake.requests.slice(before).filter(({ body }) => body?.model === OTHER)
    assert.equal(other.length, 1)
    assert.deepEqual([other[0]?.image?.width, other[0]?.image?.height], [1653, 2339])
    assert.deepEqual(fake.layoutProblems, [])
    const used = ocr.pages.reduce((sum, page) => sum + page.completion_tokens, 0)
    assert.ok(usage.completion_tokens >= used)
  })

  it('are counted under the model whose text they have, and their routes beside it', async () => {
    const samples = await readMetrics(gateway.url)
    assert.equal(sumBy(samples, 'ocr_gateway_page_routes_total', 'route')['fallback'], 1)
    const byModel = samples.filter(
      ({ name, labels }) => name === 'ocr_gateway_pages_total' && labels['model'] === OTHER,
    )
    assert.deepEqual(
      byModel.map(({ labels, value }) => [labels['status'], value]),
      [['repaired', 1]],
    )
  })

  it('are found again: the other model is not asked a second time', async () => {
    const before = asked(fake, OTHER).length
    const ask = { model: MAIN, parts: pages(1, 2, 3), ocr: { fallback_model: OTHER } }
    const { content } = await askStream(gateway.client, ask)
    assert.match(content, /Two 2/)
    assert.equal(asked(fake, OTHER).length, before)
  })

  it('stay as they are where the other model fails too, and say so', async () => {
    fake.setAnswer(scripted({ [MAIN]: (page) => (page === 5 ? cutOff : 'One'), [OTHER]: () => cutOff }))
    const ask = { model: MAIN, parts: pages(4, 5) }
    const { content, ocr } = await askWhole(gateway.client, { ...ask, ocr: { fallback_model: OTHER } })
    const without = await askWhole(gateway.client, ask)
    assert.equal(content, without.content)
    const { status, model, route, warnings = [] } = ocr.pages[1] ?? {}
    assert.deepEqual([status, model, route], ['failed', MAIN, 'main'])
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['fallback_not_used'],
    )
    assert.match(warnings[0]?.message ?? '', /HunyuanOCR.*engine_error/)
  })

  it('have a model that is served, that is another one, and that can do the task', async () => {
    const ask = (ocr: object) => refusal(askWhole(gateway.client, { model: MAIN, parts: pages(1), ocr }))
    assert.deepEqual(await ask({ fallback_model: 'nobody/knows' }), [404, 'model_not_found', 'ocr.fallback_model'])
    assert.deepEqual(await ask({ verify: 'nobody/knows' }), [404, 'model_not_found', 'ocr.verify'])
    assert.deepEqual(await ask({ fallback_model: MAIN }), [400, 'invalid_value', 'ocr.fallback_model'])
    const table = askWhole(gateway.client, {
      model: OTHER,
      parts: pages(1),
      ocr: { task: 'table', fallback_model: MAIN },
    })
    assert.deepEqual(await refusal(table), [400, 'invalid_value', 'ocr.fallback_model'])
  })
})

describe('a second model as a referee', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  before(async () => {
    fake = await startFakeVllm({ models: [MAIN, OTHER] })
    gateway = await start({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  it('reads each page too, side by side, and says which numbers differ', async () => {
    // Each waits until the other is asked.
    const bothAsked = Promise.withResolvers<void>()
    const models = new Set<string>()
    fake.setAnswer(async ({ body }) => {
      const model = body?.model ?? ''
      if (models.add(model).size === 2) bothAsked.resolve()
      await bothAsked.promise
      return model === MAIN ? TOTAL : TOTAL.replace('1,250.00', '1,260.00')
    })
    const { content, ocr, usage } = await askWhole(gateway.client, {
      model: MAIN,
      parts: pages(1),
      ocr: { verify: OTHER },
    })
    assert.equal(content, TOTAL)
    const { verify, prompt_tokens: own = 0, status, model } = ocr.pages[0] ?? {}
    assert.deepEqual([status, model, verify?.model], ['ok', MAIN, OTHER])
    assert.deepEqual(verify?.differences, [{ kind: 'number', ours: '1,250.00', theirs: '1,260.00' }])
    assert.ok((verify?.agreement ?? 0) > 0.9 && (verify?.agreement ?? 1) < 1)
    assert.deepEqual(ocr.routes, { main: 1, verified: 1 })
    assert.equal(usage.prompt_tokens, own + (verify?.prompt_tokens ?? 0))
  })

  it('costs nothing where both readings are known', async () => {
    const { ocr, cacheHeader } = await askWhole(gateway.client, {
      model: MAIN,
      parts: pages(1),
      ocr: { verify: OTHER },
    })
    assert.equal(cacheHeader, 'HIT')
    assert.deepEqual(ocr.pages[0]?.verify?.prompt_tokens, 0)
    assert.equal(ocr.pages[0]?.verify?.differences?.length, 1)
  })

  it('is the other served model for `true`, and nobody for `false`', async () => {
    fake.setAnswer(scripted({ [MAIN]: () => TOTAL, [OTHER]: () => TOTAL }))
    const ask = async (verify: unknown, model = MAIN) =>
      (await askWhole(gateway.client, { model, parts: pages(7), ocr: { verify } })).ocr.pages[0]?.verify
    const agreed = await ask(true)
    assert.deepEqual([agreed?.model, agreed?.agreement, agreed?.differences], [OTHER, 1, []])
    assert.equal((await ask(true, OTHER))?.model, MAIN)
    assert.equal(await ask(false), undefined)
  })

  it('that fails leaves the page its text', async () => {
    fake.setAnswer(scripted({ [MAIN]: () => TOTAL, [OTHER]: () => cutOff }))
    const { content, ocr } = await askWhole(gateway.client, { model: MAIN, parts: pages(8), ocr: { verify: OTHER } })
    assert.equal(content, TOTAL)
    assert.deepEqual(ocr.pages[0]?.verify, { model: OTHER, error: 'engine_error' })
  })

  it('is not waited for once the client has no more time', async () => {
    fake.setAnswer(scripted({ [MAIN]: () => TOTAL, [OTHER]: () => ({ text: TOTAL, firstDelayMs: 60_000 }) }))
    const started = performance.now()
    const ask = { model: MAIN, parts: pages(9), ocr: { verify: OTHER }, timeoutMs: 3000 }
    const { content, ocr } = await askWhole(gateway.client, ask)
    assert.equal(content, TOTAL)
    assert.deepEqual(ocr.pages[0]?.verify, { model: OTHER, error: 'engine_timeout' })
    assert.ok(performance.now() - started < 3000)
  })
})

describe('other models that are down', () => {
  it('leave pages as they are, with a word', async () => {
    const [fake, other] = [await startFakeVllm({ models: [MAIN] }), await startFakeVllm({ models: [OTHER] })]
    fake.setAnswer(() => TOTAL)
    await using gateway = await start({
      GATEWAY_UPSTREAM_URLS: `${fake.url},${other.url}`,
      GATEWAY_UPSTREAM_PATIENCE_SECONDS: '0.2',
    })
    await other.kill()
    const { content, ocr } = await askWhole(gateway.client, { model: MAIN, parts: pages(1), ocr: { verify: OTHER } })
    assert.equal(content, TOTAL)
    assert.deepEqual(ocr.pages[0]?.verify, { model: OTHER, error: 'engine_unavailable' })
    fake.setAnswer(() => cutOff)
    const asking = askWhole(gateway.client, { model: MAIN, parts: pages(2), ocr: { fallback_model: OTHER } })
    assert.deepEqual(await refusal(asking), [502, 'engine_error', null])
    await fake.close()
  })

  it('leave pages as they are where they were down before the gateway came', async () => {
    const [fake, other] = [await startFakeVllm({ models: [MAIN] }), await startFakeVllm({ models: [OTHER] })]
    await other.kill()
    fake.setAnswer(({ image }) => (image?.pageNumber === 1 ? TOTAL : cutOff))
    await using gateway = await start({
      GATEWAY_UPSTREAM_URLS: `${fake.url},${other.url}`,
      GATEWAY_ESCALATION_MODEL: OTHER,
    })
    const { ocr } = await askWhole(gateway.client, {
      model: MAIN,
      parts: pages(1, 2),
      ocr: { verify: OTHER, fallback_model: OTHER },
    })
    assert.deepEqual(
      ocr.pages.map(({ status, verify, warnings = [] }) => [status, verify?.error, warnings.map(({ code }) => code)]),
      [
        ['ok', 'engine_unavailable', []],
        ['failed', undefined, ['fallback_not_used']],
      ],
    )
    const auto = await askWhole(gateway.client, { model: 'auto', parts: pages(1, 2) })
    assert.deepEqual(auto.ocr.pages[1]?.warnings?.[0]?.code, 'fallback_not_used')
    await fake.close()
  })
})

describe('the model `auto`', () => {
  it('is listed where pages are routed, and stands for `default` everywhere', async () => {
    await using fake = await startFakeVllm({ models: [MAIN, OTHER] })
    await using plain = await start({ GATEWAY_UPSTREAM_URLS: fake.url })
    await using routing = await start({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_ESCALATION_MODEL: OTHER })
    const namesOf = async (gateway: TestGateway) => (await gateway.client.models.list()).data.map(({ id }) => id)
    assert.deepEqual(await namesOf(plain), [MAIN, OTHER, 'tesseract', 'default'])
    assert.deepEqual(await namesOf(routing), [MAIN, OTHER, 'tesseract', 'default', 'auto'])
    // Easy pages are read like any other, unless the operator allows otherwise.
    const { ocr } = await askWhole(plain.client, { model: 'auto', parts: [plainPrint()] })
    assert.deepEqual([ocr.pages[0]?.model, ocr.routes, fake.requests.length], [MAIN, { main: 1 }, 1])
  })

  it('sends hard pages to the model for them, through each door', async () => {
    await using fake = await startFakeVllm({
      models: [MAIN, OTHER],
      answer: scripted({ [MAIN]: () => cutOff, [OTHER]: (page) => `Two ${page}` }),
    })
    await using gateway = await start({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_ESCALATION_MODEL: OTHER })
    const { content, ocr } = await askWhole(gateway.client, { model: 'auto', parts: pages(1) })
    assert.equal(content, 'Two 1')
    assert.deepEqual([ocr.pages[0]?.route, ocr.pages[0]?.model, ocr.routes], ['escalated', OTHER, { escalated: 1 }])

    const body = { model: 'auto', input: inputOf(inputFile(makePdf([{ number: 2 }]))), background: true }
    const { id } = await gateway.client.responses.create(body as never)
    await eventually(
      async () => (await gateway.client.responses.retrieve(id)).status === 'completed',
      10_000,
      'the response is done',
    )
    assert.equal((await gateway.client.responses.retrieve(id)).output_text, 'Two 2')

    const chat = { model: 'auto', messages: [{ role: 'user', content: pages(3) }] }
    const endpoint = '/v1/chat/completions'
    const batch = await createBatch(gateway.client, endpoint, linesOf(endpoint, [{ custom_id: 'a', body: chat }]))
    const ended = await untilEnded(gateway.client, batch.id)
    const [line] = await answersIn(gateway.client, ended.output_file_id)
    assert.match(JSON.stringify(line === undefined ? null : bodyOf(line)), /Two 3/)

    const mistral = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'auto',
        document: {
          document_url: `data:application/pdf;base64,${Buffer.from(makePdf([{ number: 4 }])).toString('base64')}`,
        },
      }),
    })
    assert.match(await mistral.text(), /Two 4/)
  })

  it('answers plain print from its text layer where that is allowed, asks nobody, and has the model read what is more', async () => {
    await using fake = await startFakeVllm({ answer: () => 'From the model.' })
    await using gateway = await start({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_AUTO_EASY_PAGES: 'text-layer',
    })
    const ask = { model: 'auto', parts: [plainPrint()] }
    const { content, ocr, usage } = await askWhole(gateway.client, ask)
    assert.equal(content, englishLines.map((line) => line.trim()).join(' '))
    const { status, route, attempts } = ocr.pages[0] ?? {}
    assert.deepEqual([status, route, attempts], ['ok', 'easy_layer', 0])
    assert.deepEqual(ocr.routes, { easy_layer: 1 })
    assert.deepEqual([fake.requests.length, usage.total_tokens], [0, 0])
    const again = await askWhole(gateway.client, ask)
    assert.deepEqual([again.cacheHeader, again.content], ['HIT', content])
    // What the layer says is not what the model is known to say, and the other way round.
    assert.equal((await askWhole(gateway.client, { ...ask, model: 'default' })).content, 'From the model.')
    assert.equal((await askWhole(gateway.client, ask)).content, content)
    const dry = await askWhole(gateway.client, { ...ask, ocr: { dry_run: true, cache: 'off' } })
    assert.deepEqual([dry.ocr.dry_run?.easy_pages, dry.ocr.dry_run?.pages_to_read], [[1], 0])

    const drawn = makePdf([
      // Its barcode is a drawing.
      { number: 1, lines: englishLines, fontSize: 11 },
      // A line or two are no sample.
      { lines: englishLines.slice(0, 2), fontSize: 11 },
      { lines: englishLines.map((line) => line.replaceAll(' ', '          ')), fontSize: 11 },
      { lines: englishLines.map((line) => `${line} ± ÷`), fontSize: 11 },
    ])
    const more = await askWhole(gateway.client, { model: 'auto', parts: [filePart(drawn)] })
    assert.deepEqual(more.ocr.routes, { main: 4 })
  })

  it('has Tesseract read plain print without a text layer where that is allowed, and the model what is more', async () => {
    await using fake = await startFakeVllm({ answer: () => 'From the model.' })
    await using gateway = await start({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_AUTO_EASY_PAGES: 'text-layer,tesseract',
      GATEWAY_TESSERACT_THREADS: '1',
    })
    const part = async (bitmap: Bitmap) => imagePart(await encode(bitmap, 'image/png'))
    const parts = [await part(drawText({ lines: 12 })), plainPrint(), await part(drawText({ lines: 1 }))]
    const { content, ocr } = await askWhole(gateway.client, { model: 'auto', parts })
    assert.deepEqual(
      ocr.pages.map(({ route, model, engine, status }) => [route, model, engine, status]),
      [
        ['easy_tesseract', 'tesseract', 'tesseract', 'ok'],
        ['easy_layer', MAIN, 'vllm', 'ok'],
        ['main', MAIN, 'vllm', 'ok'],
      ],
    )
    assert.equal(fake.requests.length, 1)
    const [read = ''] = content.split('\n\n---\n\n')
    assert.ok(agreement(englishLines.slice(0, 4).join('\n'), read) > 0.97)
  })
})

describe('keys that may use some models alone', () => {
  const folder = useFolder()
  let fake: FakeVllm
  let gateway: TestGateway
  before(async () => {
    const file = join(folder.path, 'keys.json')
    const keys = [
      { name: 'main', key: 'key-of-main', models: [MAIN] },
      { name: 'both', key: 'key-of-both', models: [MAIN, OTHER] },
      { name: 'auto', key: 'key-of-auto', models: ['auto'] },
      { name: 'four', key: 'key-of-four', pages_per_minute: 4 },
      { name: 'boss', key: 'key-of-boss', admin: true },
    ]
    await writeFile(file, JSON.stringify(keys))
    fake = await startFakeVllm({
      models: [MAIN, OTHER],
      answer: scripted({ [MAIN]: () => cutOff, [OTHER]: () => 'Two' }),
    })
    gateway = await start({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_KEYS_FILE: file,
      GATEWAY_ESCALATION_MODEL: OTHER,
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const clientOf = (name: string) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: `key-of-${name}`, maxRetries: 0 })

  it('reach no others by way of pages', async () => {
    const ask = (key: string, model: string, ocr: object = {}) =>
      askWhole(clientOf(key), { model, parts: pages(1), ocr })
    assert.deepEqual(await refusal(ask('main', MAIN, { fallback_model: OTHER })), [
      403,
      'forbidden',
      'ocr.fallback_model',
    ])
    assert.deepEqual(await refusal(ask('main', MAIN, { verify: OTHER })), [403, 'forbidden', 'ocr.verify'])
    assert.deepEqual(await refusal(ask('main', MAIN, { verify: true })), [403, 'forbidden', 'ocr.verify'])
    assert.deepEqual(await refusal(ask('main', 'auto')), [403, 'forbidden', 'model'])
    assert.deepEqual(fake.requests, [])
    assert.equal((await ask('both', MAIN, { fallback_model: OTHER })).content, 'Two')
    assert.equal((await ask('both', 'auto')).content, 'Two')
    assert.equal((await ask('auto', 'auto')).content, 'Two')
    const { data } = await clientOf('main').models.list()
    assert.deepEqual(
      data.map(({ id }) => id),
      [MAIN, 'default'],
    )
  })

  it('have each reading counted, under the model that was asked', async () => {
    fake.setAnswer(() => TOTAL)
    const four = clientOf('four')
    const { ocr } = await askWhole(four, { model: MAIN, parts: pages(5, 6), ocr: { verify: OTHER } })
    assert.equal(ocr.routes?.verified, 2)
    assert.deepEqual(await refusal(askWhole(four, { model: MAIN, parts: pages(3) })), [
      429,
      'rate_limit_exceeded',
      null,
    ])
    const headers = { authorization: 'Bearer key-of-boss' }
    const { data } = usageList.parse(
      await (await fetch(`${gateway.url}/v1/usage?key=four&group_by=model`, { headers })).json(),
    )
    assert.deepEqual(
      data.map((row) => [row.model, row.pages, row.pages_ok, row.pages_charged]),
      [
        [MAIN, 2, 2, 2],
        [OTHER, 0, 0, 2],
      ],
    )
    assert.ok(data.every(({ prompt_tokens: prompt }) => prompt > 0))
  })
})
