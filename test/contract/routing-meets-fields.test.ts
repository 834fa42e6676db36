import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { decodeSample } from '../../gateway/samples/sample-file.ts'
import { listSamples, readSampleFile } from '../../gateway/samples/sample-folder.ts'
import { mistralOcrResponse } from '../../gateway/wire/mistral/ocr-response.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { readMetrics } from '../support/read-metrics.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { eventually } from '../support/within.ts'

const MAIN = 'tencent/HunyuanOCR'
const OTHER = 'Qwen/Qwen3-VL-8B-Instruct'
const GOOD = 'DE89 3704 0044 0532 0130 00'
const BAD = 'DE89 3704 0044 0532 0130 01'
const invoice = { type: 'object', properties: { iban: { type: 'string', format: 'iban' }, total: { type: 'number' } } }
const cutOff: Answer = { text: 'I see an invoice', finishReason: 'length' }
const said = (iban: string): string => JSON.stringify({ iban, total: 7 })

const folder = join(useFolder().path, 'samples')
let fake: FakeVllm
let gateway: TestGateway
/** What each model says, in order; its last answer goes on. */
let script: Record<string, readonly Answer[]> = {}
let asked: { model: string; prompt: string }[] = []

before(async () => {
  fake = await startFakeVllm({
    models: [MAIN, OTHER],
    answer({ body }) {
      const model = body?.model ?? ''
      const before = asked.filter((one) => one.model === model).length
      asked.push({ model, prompt: JSON.stringify(body?.messages?.at(-1)?.content).replaceAll(/base64,[^"]*/g, '') })
      return script[model]?.[Math.min(before, script[model].length - 1)]
    },
  })
  gateway = await startTestGateway({
    GATEWAY_UPSTREAM_URLS: fake.url,
    GATEWAY_RASTERIZE_THREADS: '1',
    GATEWAY_SAMPLES_DIR: folder,
  })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})
let documents = 0
/** Asks about a new document, so that nothing is known of it. */
const extract = (answers: typeof script, ocr: object, timeoutMs?: number) => {
  script = answers
  asked = []
  const parts = [filePart(makePdf([{ lines: [`Document ${(documents += 1)}`] }]))]
  const question = { model: MAIN, parts, ocr: { task: 'extract', fields: invoice, ...ocr } }
  return askWhole(gateway.client, timeoutMs === undefined ? question : { ...question, timeoutMs })
}
const models = () => asked.map(({ model }) => model)

async function sampleWith(reason: string) {
  const found = async () => {
    const entries = await listSamples(folder)
    const samples = await Promise.all(
      entries.map(async ({ id }) => decodeSample((await readSampleFile(folder, id))!, null)),
    )
    return samples.find(({ facts }) => facts.reasons.includes(reason))?.facts ?? null
  }
  await eventually(async () => (await found()) !== null, 5000, `a sample: ${reason}`)
  return (await found()) ?? assert.fail()
}

describe('the values of a page that another model has read', () => {
  it('are asked for again of that model, in its own words', async () => {
    const { ocr, usage } = await extract(
      { [MAIN]: [cutOff], [OTHER]: [said(BAD), said(GOOD)] },
      { fallback_model: OTHER },
    )
    assert.deepEqual(models().slice(-2), [OTHER, OTHER])
    assert.match(asked.at(-1)?.prompt ?? '', /An earlier answer was wrong/)
    const [page] = ocr.pages
    assert.deepEqual([page?.status, page?.model, ocr.fields?.['iban']?.status], ['repaired', OTHER, 'repaired'])
    assert.equal(ocr.fields_valid, true)
    const metrics = await readMetrics(gateway.url)
    const tokens = metrics.filter(
      ({ name, labels }) => name === 'ocr_gateway_tokens_total' && labels['kind'] === 'completion',
    )
    // The last answer of the first model is no page's, and both of the other model's are this page's.
    const own = usage.completion_tokens - (page?.completion_tokens ?? 0)
    assert.deepEqual(
      new Map(tokens.map(({ labels, value }) => [labels['model'], value])),
      new Map([
        [MAIN, own],
        [OTHER, page?.completion_tokens],
      ]),
    )
  })

  it('make a sample of the model that failed, which says whose the text is', async () => {
    const { model, textModel, reasons, attempts, text } = await sampleWith('fields_repaired')
    assert.deepEqual([model, textModel, reasons], [MAIN, OTHER, ['repaired', 'fields_repaired']])
    assert.deepEqual(
      attempts.map(({ text: answer }) => answer),
      attempts.map(() => 'I see an invoice'),
    )
    assert.equal(JSON.parse(text).iban, GOOD)
  })
})

describe('an annotation at /v1/ocr', () => {
  const annotate = async (more: object) => {
    asked = []
    const pdf = makePdf([{ lines: [`Document ${(documents += 1)}`] }])
    const document = { type: 'document_url', document_url: dataUrl(pdf, 'application/pdf') }
    const format = { type: 'json_schema', json_schema: { name: 'invoice', schema: invoice } }
    const response = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ document, document_annotation_format: format, ...more }),
    })
    const answer: unknown = await response.json()
    assert.equal(response.status, 200, JSON.stringify(answer))
    return mistralOcrResponse.parse(answer)
  }

  it('is read by the model for hard pages, too', async () => {
    script = { [MAIN]: [cutOff], [OTHER]: [said(GOOD)] }
    const { document_annotation: annotation, ocr } = await annotate({ model: MAIN, ocr: { fallback_model: OTHER } })
    assert.equal(annotation, said(GOOD))
    assert.deepEqual([ocr?.annotation?.pages[0]?.route, ocr?.annotation?.pages[0]?.model], ['fallback', OTHER])
  })

  it('has its own model alone where the other cannot be asked for it', async () => {
    script = { [MAIN]: ['Text'], [OTHER]: [said(GOOD)] }
    const prompt = { document_annotation_prompt: 'What stands on the invoice?' }
    const { ocr } = await annotate({ model: OTHER, ...prompt, ocr: { fallback_model: MAIN } })
    assert.deepEqual([ocr?.pages[0]?.route, ocr?.annotation?.pages[0]?.route], ['main', undefined])
  })
})

describe('a second model', () => {
  it('is compared with the values as they are in the end', async () => {
    const { ocr } = await extract({ [MAIN]: [said(BAD), said(GOOD)], [OTHER]: [said(GOOD)] }, { verify: OTHER })
    const [page] = ocr.pages
    assert.equal(ocr.fields?.['iban']?.status, 'repaired')
    assert.deepEqual([page?.verify?.agreement, page?.verify?.differences_total], [1, 0])
  })

  it('that reads another number is a reason to keep the page', async () => {
    const iban = { type: 'object', properties: { total: { type: 'number' } } }
    const answers = { [MAIN]: ['{"total": 1250}'], [OTHER]: ['{"total": 1260}'] }
    const { ocr } = await extract(answers, { verify: OTHER, fields: iban })
    assert.equal(ocr.pages[0]?.status, 'ok')
    const { model, textModel, attempts } = await sampleWith('models_disagree')
    assert.deepEqual([model, textModel, attempts.length], [MAIN, undefined, 1])
  })
})

describe('values that stay wrong', () => {
  it('are a reason to keep the page', async () => {
    const { ocr } = await extract({ [MAIN]: [said(BAD)] }, {})
    assert.deepEqual([ocr.pages[0]?.status, ocr.fields?.['iban']?.status], ['ok', 'invalid'])
    assert.deepEqual((await sampleWith('fields_doubtful')).reasons, ['fields_doubtful'])
  })

  it('are not waited for longer than the client waits', async () => {
    for (const more of [{ on_deadline: 'partial' }, { verify: OTHER }]) {
      const silent: Answer = { silent: true }
      const { ocr } = await extract({ [MAIN]: [said(BAD), silent], [OTHER]: [said(GOOD)] }, more, 3000)
      assert.deepEqual([ocr.pages[0]?.status, ocr.fields?.['iban']?.status], ['ok', 'invalid'])
    }
  })
})
