import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { APIError } from 'openai'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { checkDocument } from '../support/check-document.ts'
import { filePart } from '../support/documents.ts'
import { askWhole, type Answer } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { readCorpus } from './read-corpus.ts'

const truth = join(import.meta.dirname, '../../../shared/corpus/truth')
const texts = globSync('**/*.md', { cwd: truth, exclude: ['**/README.md'] })
  .toSorted()
  .map((path) => readFileSync(join(truth, path), 'utf8'))
const { files } = JSON.parse(readCorpus('public/manifest.json').toString()) as {
  files: readonly { file: string; pages?: number | null }[]
}

const MODEL = 'tencent/HunyuanOCR'
const invoice = {
  type: 'object',
  properties: {
    iban: { type: 'string', format: 'iban' },
    date: { type: 'string', format: 'date' },
    total: { type: 'number', minimum: 0 },
    lines: { type: 'array', items: { type: 'object', properties: { what: { type: 'string' }, price: { type: 'number' } } } },
  },
  required: ['total'],
} // prettier-ignore
/** What models answer: right, wrong, of other types, cut off, beside a text, and nothing of what was asked. */
const objects = [
  '{"iban":"DE89370400440532013000","date":"2026-03-04","total":12.5,"lines":[{"what":"A","price":1}]}',
  '{"iban":"DE89370400440532013001","date":"2026-02-30","total":-1,"lines":[{"what":"A","price":"one"}]}',
  '{"iban":12,"date":null,"total":"1.234,56 €","lines":"none"}',
  '{"iban":"DE89 3704 0044 0532 0130 00","date":"03/04/20',
  'This is the invoice:\n```json\n{"total": 7, "lines": []}\n```',
  'There is no invoice on this page.',
  '[]',
]
const statuses = new Set(['ok', 'repaired', 'doubtful', 'invalid', 'missing'])

/** Null: the document was refused, by an error that names its code. */
async function answerTo(question: Promise<Answer>): Promise<Answer | null> {
  try {
    return await question
  } catch (error) {
    assert.ok(error instanceof APIError && error.status !== undefined, String(error))
    assert.ok(error.status >= 400 && error.status !== 500 && typeof error.code === 'string', error.message)
    return null
  }
}

// Each answer is held to the published description of the API as well, by the gateway that the test starts.
describe('real documents as JSON, with chunks and with fields', { timeout: 240_000, concurrency: 2 }, () => {
  let fake: FakeVllm
  let gateway: TestGateway
  const answered = { json: 0, fields: 0 }

  before(async () => {
    fake = await startFakeVllm({
      models: [MODEL],
      answer: ({ body }) => {
        const messages = JSON.stringify(body?.messages ?? [])
        // By the page and not by the turn, which is another one in each run of documents side by side.
        const number = createHash('sha256').update(messages).digest().readUInt32BE()
        return messages.includes('iban') ? objects[number % objects.length]! : texts[number % texts.length]!
      },
    })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  for (const [index, { file, pages: count }] of files.entries())
    it(`are valid, and their offsets slice to their texts: ${file}`, async () => {
      const parts = [filePart(readCorpus(`public/${file}`))]
      const pages = typeof count === 'number' && count > 3 ? { pages: '1-3' } : {}
      const more = index % 2 === 0 ? { join: true, headers: 'strip', footers: 'strip' } : {}
      const json = { output: 'json', ...pages, chunks: { max_tokens: index % 3 === 0 ? 64 : 400 }, ...more }
      const document = await answerTo(askWhole(gateway.client, { model: MODEL, parts, ocr: json }))
      if (document !== null) {
        const { document: read } = checkDocument(document.content)
        assert.ok(read.pages.length > 0 && read.chunks !== undefined)
        answered.json += 1
      }
      const ocr = { task: 'extract', pages: '1', fields: invoice }
      const extracted = await answerTo(askWhole(gateway.client, { model: MODEL, parts, ocr }))
      assert.equal(extracted === null, document === null)
      if (extracted === null) return
      const { fields, fields_valid: valid, fields_errors: errors, warnings } = extracted.ocr
      if (fields === undefined) {
        // No page has an object, or all are blank: no value is made up.
        assert.ok(warnings?.some(({ code }) => code === 'response_format_ignored'))
        return
      }
      for (const [name, { status, page }] of Object.entries(fields)) {
        assert.ok(statuses.has(status), name)
        assert.equal(page === null, status === 'missing', name)
      }
      assert.equal(valid, (errors ?? []).length === 0)
      answered.fields += 1
    })

  after(() => assert.ok(answered.json > 100 && answered.fields > 90, JSON.stringify(answered)))
})
