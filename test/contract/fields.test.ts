import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { mistralOcrResponse } from '../../gateway/wire/mistral/ocr-response.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import type { Answer } from '../fakes/fake-vllm-answer.ts'
import { filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const FIXED = 'tencent/HunyuanOCR'
const FREE = 'Qwen/Qwen3-VL-8B-Instruct'
const GOOD = 'DE89 3704 0044 0532 0130 00'
const BAD = 'DE89 3704 0044 0532 0130 01'

let fake: FakeVllm
let gateway: TestGateway
/** What the model says, in order; the last answer goes on. */
let script: readonly Answer[] = []
let prompts: string[] = []
let temperatures: unknown[] = []

before(async () => {
  fake = await startFakeVllm({
    models: [FIXED, FREE],
    answer({ body, image }) {
      const content = JSON.stringify(body?.messages?.at(-1)?.content)
      prompts.push(/"text":"((?:[^"\\]|\\.)*)"/.exec(content)?.[1] ?? '')
      temperatures.push(body?.['temperature'])
      const ofPage = script.length > 1 && perPage ? script[(image?.pageNumber ?? 1) - 1] : undefined
      return ofPage ?? script[Math.min(prompts.length, script.length) - 1]
    },
  })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})
let perPage = false
beforeEach(() => {
  prompts = []
  temperatures = []
  perPage = false
})

const invoice = {
  type: 'object',
  properties: {
    iban: { type: 'string', format: 'iban' },
    date: { type: 'string', format: 'date' },
    total: { type: 'number' },
  },
}

/** A new document each time, so that nothing is known of it. */
let documents = 0
const pdf = (...numbers: readonly number[]) =>
  filePart(makePdf(numbers.map((number) => ({ number, lines: [`Document ${(documents += 1)}`] }))))

const said = (object: object): string => JSON.stringify(object)

async function extract(answers: readonly Answer[], ocr: object = {}, numbers: readonly number[] = [1], model = FIXED) {
  script = answers
  prompts = []
  return askWhole(gateway.client, {
    model,
    parts: [pdf(...numbers)],
    ocr: { task: 'extract', fields: invoice, ...ocr },
  })
}

describe('the values of a schema', () => {
  it('stand in the ledger as they are written and in their normal form, with page and confidence', async () => {
    const object = { iban: GOOD, date: '04.03.2026', total: '1.234,56 €' }
    const { content, ocr } = await extract([said(object)])
    assert.deepEqual(JSON.parse(content), { iban: GOOD, date: '2026-03-04', total: 1234.56 })
    const common = { status: 'ok', page: 1, confidence: 0.99 }
    assert.deepEqual(ocr.fields, {
      iban: { ...common, value: GOOD, normalized: 'DE89370400440532013000' },
      date: { ...common, value: '04.03.2026', normalized: '2026-03-04' },
      total: { ...common, value: '1.234,56 €', normalized: '1234.56' },
    })
    assert.deepEqual([ocr.fields_valid, ocr.fields_errors, prompts.length], [true, undefined, 1])
    const [page] = ocr.pages
    assert.equal(content.slice(page?.start, page?.end), content)
    // Nobody has asked for it.
    assert.equal(page?.confidence, undefined)
  })

  it('leave an answer that fits as the model wrote it', async () => {
    const text = `{ "iban": "${GOOD}",\n "date": "2026-03-04", "total": 7.0 }`
    assert.equal((await extract([text])).content, text)
  })

  it('are asked for again once, where they are wrong, and only they', async () => {
    const first = { iban: BAD, date: '2026-03-04', total: 7 }
    const second = { iban: GOOD, date: '1999-01-01', total: 8 }
    const { content, ocr } = await extract([said(first), said(second)])
    assert.deepEqual(JSON.parse(content), { ...first, iban: GOOD })
    assert.deepEqual(
      Object.entries(ocr.fields ?? {}).map(([name, { status }]) => [name, status]),
      [['iban', 'repaired'], ['date', 'ok'], ['total', 'ok']], // prettier-ignore
    )
    assert.equal(ocr.fields_valid, true)
    assert.equal(prompts.length, 2)
    assert.match(prompts[0] ?? '', /\['iban', 'date', 'total'\]/)
    // This model's prompts are fixed: the fields alone are others, and the sampling.
    assert.match(prompts[1] ?? '', /\['iban'\] /)
    assert.notEqual(temperatures[1], temperatures[0])
    const tokens = ocr.pages[0]?.prompt_tokens ?? 0
    const once = await extract([said({ ...first, iban: GOOD })])
    assert.ok(tokens > 1.5 * (once.ocr.pages[0]?.prompt_tokens ?? tokens), 'both readings count')
  })

  it('are asked for again in words, where the model reads any', async () => {
    const { ocr } = await extract([said({ iban: BAD }), said({ iban: GOOD })], {}, [1], FREE)
    assert.equal(ocr.fields?.['iban']?.status, 'repaired')
    assert.match(
      prompts[1] ?? '',
      /\[\\"iban\\"\].*An earlier answer was wrong\. iban: its check digits do not match\./,
    )
  })

  it('have both answers from the cache the next time', async () => {
    script = [said({ iban: BAD }), said({ iban: GOOD })]
    const question = { model: FIXED, parts: [pdf(1)], ocr: { task: 'extract', fields: invoice } }
    const first = await askWhole(gateway.client, question)
    const streamed = await askStream(gateway.client, question)
    assert.deepEqual([streamed.content, streamed.ocr.fields], [first.content, first.ocr.fields])
    assert.deepEqual([prompts.length, streamed.cacheHeader], [2, 'HIT'])
  })

  it('stay invalid, with the reason, where the second answer is wrong too', async () => {
    const { content, ocr } = await extract([said({ iban: BAD, date: '2026-02-30', total: 1 })])
    const { iban, date, total } = ocr.fields ?? {}
    assert.deepEqual([iban?.status, iban?.reason, iban?.value], ['invalid', 'its check digits do not match', BAD])
    assert.deepEqual([date?.status, total?.status], ['invalid', 'ok'])
    assert.equal(ocr.fields_valid, false)
    assert.deepEqual(ocr.fields_errors?.map(({ path }) => path), ['/iban', '/date']) // prettier-ignore
    assert.equal((JSON.parse(content) as { iban: string }).iban, BAD)
    assert.equal(prompts.length, 2)
  })

  it('are doubtful where they may be two things', async () => {
    const { ocr } = await extract([said({ iban: GOOD, date: '03/04/2026', total: 1 })])
    assert.equal(ocr.fields?.['date']?.status, 'doubtful')
    assert.match(ocr.fields['date'].reason ?? '', /2026-04-03 or 2026-03-04/)
    assert.equal(prompts.length, 1)
  })

  it('are missing where the page has none, and null is left out where the schema does not know it', async () => {
    const { content, ocr } = await extract([said({ iban: GOOD, date: null, total: '' })])
    assert.deepEqual(JSON.parse(content), { iban: GOOD })
    const { date, total } = ocr.fields ?? {}
    assert.deepEqual([date?.status, date?.page, total?.status, ocr.fields_valid], ['missing', null, 'missing', true])
    const strict = { ...invoice, required: ['date'] }
    const required = await extract([said({ date: null })], { fields: strict })
    assert.deepEqual(JSON.parse(required.content), { date: null })
    assert.deepEqual(required.ocr.fields_errors?.map(({ path }) => path), ['/date']) // prettier-ignore
  })

  it('within lists and objects go by their JSON pointers', async () => {
    const line = { type: 'object', properties: { what: { type: 'string' }, price: { type: 'number' } } }
    const fields = { type: 'object', properties: { lines: { type: 'array', items: line }, bank: { type: 'object', properties: { iban: { format: 'iban' } } } } } // prettier-ignore
    const wrong = { lines: [{ what: 'A', price: 1 }, { what: 'B', price: 'two' }], bank: { iban: GOOD } } // prettier-ignore
    const right = { lines: [{ what: 'X', price: 9 }, { what: 'Y', price: '2,50' }] } // prettier-ignore
    const { content, ocr } = await extract([said(wrong), said(right)], { fields }, [1], FREE)
    assert.deepEqual(JSON.parse(content), { ...wrong, lines: [wrong.lines[0], { what: 'B', price: 2.5 }] })
    assert.deepEqual(
      Object.entries(ocr.fields ?? {}).map(([name, { status }]) => [name, status]),
      [['/lines/0/what', 'ok'], ['/lines/0/price', 'ok'], ['/lines/1/what', 'ok'], ['/lines/1/price', 'repaired'], ['/bank/iban', 'ok']], // prettier-ignore
    )
    assert.match(prompts[0] ?? '', /\\"lines\\" is a list of objects with the keys \[\\"what\\",\\"price\\"\]\./)
  })
})

describe('answers that are no whole JSON', () => {
  it('count with what was whole, and the rest is asked for again', async () => {
    const { content, ocr } = await extract([
      `{"iban": "${GOOD}", "date": "2026-03-`,
      '{"date": "2026-03-04", "total": 7}',
    ])
    assert.deepEqual(JSON.parse(content), { iban: GOOD, date: '2026-03-04', total: 7 })
    assert.deepEqual([ocr.fields?.['date']?.status, ocr.fields?.['iban']?.status], ['repaired', 'ok'])
    assert.match(prompts[1] ?? '', /\['date', 'total'\]/)
  })

  it('are said to be cut, where the second is no better', async () => {
    const { content, ocr } = await extract([{ text: `{"iban": "${GOOD}", "date": "2026-03-`, finishReason: 'length' }])
    assert.deepEqual(JSON.parse(content), { iban: GOOD })
    const [page] = ocr.pages
    assert.deepEqual([page?.status, page?.warnings?.map(({ code }) => code)], ['failed', ['answer_cut']])
    assert.deepEqual([ocr.fields?.['iban']?.status, ocr.fields?.['date']?.status], ['ok', 'missing'])
  })

  it('leave a list without its end doubtful, whatever the second answer lost', async () => {
    const fields = { type: 'object', properties: { lines: { type: 'array', items: { type: 'string' } } } }
    const { content, ocr } = await extract(['{"lines": ["a", "b'], { fields })
    assert.deepEqual(JSON.parse(content), { lines: ['a'] })
    assert.deepEqual([ocr.fields?.['lines']?.status, ocr.fields?.['/lines/0']?.status], ['doubtful', 'ok'])
    assert.equal(prompts.length, 2)
    const mended = await extract(['{"lines": ["a", "b', '{"lines": ["a", "b", "c"]}'], { fields })
    assert.deepEqual(JSON.parse(mended.content), { lines: ['a', 'b', 'c'] })
    assert.deepEqual([mended.ocr.fields?.['lines'], mended.ocr.fields?.['/lines/2']?.status], [undefined, 'repaired'])
    assert.equal(mended.ocr.pages[0]?.warnings?.length, 1)
  })

  it('have an object put in the place of a text asked for again', async () => {
    const { ocr } = await extract([said({ total: { value: 7 } }), said({ total: 7 })])
    assert.deepEqual([ocr.fields?.['total']?.status, ocr.fields_valid], ['repaired', true])
  })

  it('are said to be repaired, where text stood around them', async () => {
    const { content, ocr } = await extract([`Here you are: {"iban": "${GOOD}"} Anything else?`])
    assert.deepEqual(
      [content, ocr.pages[0]?.warnings?.map(({ code }) => code)],
      [`{"iban":"${GOOD}"}`, ['answer_repaired']],
    )
  })

  for (const [text, says] of [
    ['Total: 7', /not JSON/],
    ['[7]', /JSON, but no object/],
    ['7', /JSON, but no object/],
  ] as const)
    it(`are left as they are, where there is no object in them: ${text}`, async () => {
      const { content, ocr, ...rest } = await extract([text])
      assert.deepEqual([content, ocr.fields, ocr.warnings?.length], [text, undefined, 1])
      assert.equal(ocr.warnings?.[0]?.code, 'response_format_ignored')
      assert.match(ocr.warnings?.[0]?.message ?? '', says)
      assert.deepEqual([rest.finishReason, prompts.length], ['stop', 1])
    })

  it('are none on a blank page, and none is made up', async () => {
    const question = { model: FIXED, parts: [filePart(makePdf([{}]))], ocr: { task: 'extract', fields: invoice } }
    const { content, ocr } = await askWhole(gateway.client, question)
    assert.deepEqual([content, ocr.fields, ocr.pages[0]?.status], ['', undefined, 'blank'])
    assert.match(ocr.warnings?.[0]?.message ?? '', /the page is blank/)
  })
})

describe('how sure the model must be', () => {
  const unsure = { deltas: ['{"iban": "', GOOD, '", "date": "', '2026-03-04', '", "total": ', '7', '}'], logprobs: [0, Math.log(0.8), 0, 0, 0, Math.log(0.99), 0] } // prettier-ignore
  const statuses = async (ocr: object) => {
    const { ocr: answer } = await extract([unsure], ocr)
    return Object.values(answer.fields ?? {}).map(({ status }) => status)
  }

  it('decides which values are doubtful', async () => {
    assert.deepEqual(await statuses({}), ['ok', 'ok', 'ok'])
    assert.deepEqual(await statuses({ min_confidence: 'ordinary' }), ['ok', 'ok', 'ok'])
    assert.deepEqual(await statuses({ min_confidence: 'high' }), ['doubtful', 'ok', 'ok'])
    assert.deepEqual(await statuses({ min_confidence: 0.995 }), ['doubtful', 'ok', 'doubtful'])
    const properties = { ...invoice.properties, iban: { ...invoice.properties.iban, 'x-min-confidence': 0.9 } }
    assert.deepEqual(await statuses({ fields: { ...invoice, properties } }), ['doubtful', 'ok', 'ok'])
    const { ocr } = await extract([unsure], { min_confidence: 'high' })
    assert.deepEqual([ocr.fields?.['iban']?.confidence, ocr.fields?.['iban']?.reason], [0.8, 'the model was sure of it to 0.8, and 0.95 is asked for']) // prettier-ignore
  })

  it('is looked at for names, too, whose answer stays as it is', async () => {
    const text = '{"a": "x", "b": 7}'
    const { content, ocr } = await extract([text], { fields: ['a', 'b'], min_confidence: 'high' })
    assert.deepEqual([content, Object.keys(ocr.fields ?? {})], [text, ['a', 'b']])
    assert.equal((await extract([text], { fields: ['a', 'b'] })).ocr.fields, undefined)
  })

  it('is said not to be known, where the engine does not say', async () => {
    const { ocr } = await extract([{ ...unsure, logprobs: unsure.deltas.map(() => null) }], { min_confidence: 0.5 })
    const { status, confidence, reason } = ocr.fields?.['iban'] ?? {}
    assert.deepEqual([status, confidence], ['doubtful', null])
    assert.match(reason ?? '', /did not say/)
  })
})

describe('values of several pages', () => {
  beforeEach(() => void (perPage = true))

  it('are doubtful where pages differ, and name both', async () => {
    const other = 'GB82 WEST 1234 5698 7654 32'
    const { content, ocr } = await extract(
      [said({ iban: GOOD, total: 7 }), said({ iban: other, date: '2026-03-04', total: '7' })],
      {},
      [1, 2],
    )
    assert.deepEqual(JSON.parse(content), { iban: GOOD, date: '2026-03-04', total: 7 })
    const { iban, date, total } = ocr.fields ?? {}
    assert.deepEqual([iban?.status, iban?.page], ['doubtful', 1])
    assert.match(iban?.reason ?? '', /page 1 has "DE89.*page 2 "GB82/)
    assert.deepEqual([date?.page, total?.status], [2, 'ok'])
  })

  it('come from the page that has a right one', async () => {
    const { content, ocr } = await extract([said({ iban: BAD }), said({ iban: GOOD })], {}, [1, 2])
    assert.deepEqual(JSON.parse(content), { iban: GOOD })
    assert.deepEqual([ocr.fields?.['iban']?.status, ocr.fields?.['iban']?.page], ['ok', 2])
  })

  it('know the page of each row', async () => {
    const fields = { type: 'object', properties: { lines: { type: 'array', items: { type: 'string' } } } }
    const { content, ocr } = await extract([said({ lines: ['a', 'b'] }), said({ lines: ['c'] })], { fields }, [1, 2])
    assert.deepEqual(JSON.parse(content), { lines: ['a', 'b', 'c'] })
    assert.deepEqual(Object.values(ocr.fields ?? {}).map(({ page }) => page), [1, 1, 2]) // prettier-ignore
  })
})

describe('schemas', () => {
  const refused = async (fields: object, says: RegExp) =>
    assert.rejects(
      extract(['{}'], { fields }),
      (error: { status: number; code: string; param: string; message: string }) => {
        assert.deepEqual([error.status, error.code, error.param], [400, 'invalid_value', 'ocr.fields'])
        assert.match(error.message, says)
        return true
      },
    )

  it('may refer to themselves', async () => {
    const part = { type: 'object', properties: { name: { type: 'string' }, parts: { type: 'array', items: { $ref: '#/$defs/part' } } } } // prettier-ignore
    const fields = { $ref: '#/$defs/part', $defs: { part } }
    const object = { name: 'a', parts: [{ name: 'b', parts: [{ name: 'c' }] }] }
    const { content, ocr } = await extract([said(object)], { fields })
    assert.deepEqual([JSON.parse(content), ocr.fields_valid], [object, true])
    assert.equal(ocr.fields?.['/parts/0/parts/0/name']?.value, 'c')
  })

  it('may have a thousand fields, and no more', async () => {
    const fields = (count: number) => ({ type: 'object', properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, { type: 'string' }])) }) // prettier-ignore
    const { ocr } = await extract(['{"f7": "x"}'], { fields: fields(1000) })
    assert.deepEqual([Object.keys(ocr.fields ?? {}).length, ocr.fields?.['f7']?.status], [1000, 'ok'])
    await refused(fields(1001), /more than 1000 properties/)
  })

  it('that are none, or name others, are refused before anything is read', async () => {
    const of = (property: object) => ({ type: 'object', properties: { a: property } })
    await refused(of({ type: 'nothing' }), /cannot be used/)
    await refused(of({ $ref: '#/$defs/nowhere' }), /cannot be used/)
    await refused(of({ $ref: 'https://example.com/schema.json' }), /nothing is fetched/)
    await refused(of({ type: 'string', pattern: '(' }), /regular expression/)
    await refused({ type: 'object' }, /needs ocr\.fields/)
    assert.equal(prompts.length, 0)
  })

  it('with a pattern that takes for ever leave the value unchecked, and say so', async () => {
    const fields = {
      type: 'object',
      properties: { a: { type: 'string', pattern: '^(a+)+$' }, iban: { format: 'iban' } },
    }
    const object = { a: `${'a'.repeat(40)}b`, iban: GOOD }
    const { content, ocr } = await extract([said(object)], { fields })
    assert.deepEqual([JSON.parse(content), ocr.fields_valid, ocr.fields?.['iban']?.status], [object, null, 'ok'])
    // The next one is checked.
    assert.equal((await extract([said({ iban: GOOD })])).ocr.fields_valid, true)
  })

  it('are for the task extract alone, and so is the bound', async () => {
    script = ['Text']
    const asked = askWhole(gateway.client, { model: FIXED, parts: [pdf(1)], ocr: { min_confidence: 0.5 } })
    await assert.rejects(asked, { code: 'invalid_value', param: 'ocr.min_confidence' })
  })
})

describe('the same code behind other names', () => {
  it('parses into what OpenAI’s client was given as a schema', async () => {
    const Invoice = z.object({
      iban: z.string().meta({ format: 'iban' }),
      date: z.iso.date(),
      lines: z.array(z.object({ what: z.string(), price: z.number() })),
      note: z.string().nullable(),
    })
    script = [
      said({ iban: BAD, date: '4. März 2026', lines: [{ what: 'A', price: '1,50' }], note: null }),
      said({ iban: GOOD }),
    ]
    const completion = await gateway.client.chat.completions.parse({
      model: FIXED,
      messages: [{ role: 'user', content: [pdf(1)] }],
      response_format: zodResponseFormat(Invoice, 'invoice'),
    })
    assert.deepEqual(completion.choices[0]?.message.parsed, {
      iban: GOOD,
      date: '2026-03-04',
      lines: [{ what: 'A', price: 1.5 }],
      note: null,
    })
  })

  it('annotates a document for Mistral’s clients', async () => {
    const part = pdf(1)
    const body = {
      model: FIXED,
      document: { type: 'document_url', document_url: part.type === 'file' ? part.file.file_data : '' },
      document_annotation_format: { type: 'json_schema', json_schema: { name: 'invoice', schema: invoice } },
      ocr: { min_confidence: 'high' },
    }
    script = [said({ iban: BAD }), said({ iban: GOOD }), 'Text']
    const response = await fetch(`${gateway.url}/v1/ocr`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: said(body) }) // prettier-ignore
    const { document_annotation: annotation, ocr } = mistralOcrResponse.parse(await response.json())
    assert.equal(annotation, `{"iban":"${GOOD}"}`)
    assert.deepEqual([ocr.annotation?.fields?.['iban']?.status, ocr.annotation?.fields_valid], ['repaired', true])
  })
})
