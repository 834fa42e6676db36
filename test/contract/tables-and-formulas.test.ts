import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { picturedPdf } from '../fixtures/pictured-pages.ts'
import { filePart } from '../support/documents.ts'
import { askStream, askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const MODEL = 'lightonai/LightOnOCR-2-1B'
const OTHER = 'vendor/some-vlm'

const PIPES = '| A | B |\n| --- | --- |\n| 1 | 2 |'
const HTML = '<table><tr><td>A</td><td>B</td></tr><tr><td>1</td><td>2</td></tr></table>'
const BROKEN = '<table border=1><tr><td>A<td>B<tr><td>1<td>2</table>'
const SPANNED = '<table><tr><td colspan="2">A</td></tr><tr><td>1</td><td>2</td></tr></table>'
const LONG = `<table>${'<tr><td>one</td><td>2</td></tr>'.repeat(4000)}</table>`
const DEEP = `${'<table><tr><td>'.repeat(100)}x${'</td></tr></table>'.repeat(100)}`
const OTSL = Array.from({ length: 7000 }, (_, row) => `<fcel>${row}<fcel>b<nl>`).join('')
/** KaTeX would expand it to nine million signs. */
const SLOW = `\\def\\a{${'x'.repeat(10_000)}}${'\\a'.repeat(900)}`

let fake: FakeVllm
let gateway: TestGateway
let answer = ''

before(async () => {
  // All at once: word by word, some of these texts would be loops.
  fake = await startFakeVllm({ models: [MODEL, OTHER], answer: () => ({ deltas: [answer] }) })
  gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url, GATEWAY_CACHE_MAX_BYTES: '0' })
})
after(async () => {
  await gateway.stop()
  await fake.close()
})

/** Asks for one page, which the model reads as a text. */
async function read(text: string, ocr: object = {}, model = MODEL) {
  answer = text
  const { content, ocr: ledger } = await askWhole(gateway.client, { model, parts: [filePart(picturedPdf(1))], ocr })
  const [line] = ledger.pages
  assert.ok(line !== undefined)
  return { content, line, warnings: ledger.warnings ?? [] }
}

describe('tables', () => {
  for (const [name, text, ocr, expected] of [
    ['are as the model wrote them where nothing is asked', `x\n\n${BROKEN}\n\ny`, {}, `x\n\n${BROKEN}\n\ny`],
    ['become Markdown, repaired', `x\n\n${BROKEN}\n\ny`, { tables: 'markdown' }, `x\n\n${PIPES}\n\ny`],
    ['become HTML, repaired', `x\n\n${BROKEN}\n\ny`, { tables: 'html' }, `x\n\n${HTML}\n\ny`],
    ['stay HTML where cells span', `x\n\n${SPANNED}`, { tables: 'markdown' }, `x\n\n${SPANNED}`],
    [
      'that were cut off are closed',
      'x\n\n<table><tr><td>A<td>B<tr><td>1<td>2',
      { tables: 'markdown' },
      `x\n\n${PIPES}`,
    ],
    [
      'in OTSL are HTML where nothing is asked',
      'x\n\n<fcel>A<lcel><nl><fcel>1<fcel>2<nl>\ny',
      {},
      `x\n\n${SPANNED}\n\ny`,
    ],
    ['in OTSL are Markdown', 'x\n\n<fcel>A<fcel>B<nl><fcel>1<fcel>2<nl>', { tables: 'markdown' }, `x\n\n${PIPES}`],
    ['in OTSL are lines of plain text', '<fcel>A<fcel>B<nl><fcel>1<fcel>2<nl>', { output: 'text' }, 'A   B\n1   2'],
  ] as const)
    it(name, async () => {
      const { content, line } = await read(text, ocr)
      assert.equal(content, expected)
      assert.equal(content.slice(line.start, line.end), expected)
    })

  it('are the same in a stream, and in the pages of JSON', async () => {
    answer = `x\n\n${BROKEN}`
    const asked = { model: MODEL, parts: [filePart(picturedPdf(1))] }
    const streamed = await askStream(gateway.client, { ...asked, ocr: { tables: 'markdown' } })
    assert.equal(streamed.content, `x\n\n${PIPES}`)
    const { content } = await read(answer, { tables: 'markdown', output: 'json' })
    assert.equal(JSON.parse(content).pages[0].markdown, `x\n\n${PIPES}`)
  })

  it('are written so in the pages of /v1/ocr too', async () => {
    answer = `x\n\n${BROKEN}\n\n\\(a_1\\)`
    const document_url = `data:application/pdf;base64,${Buffer.from(picturedPdf(1)).toString('base64')}`
    const ask = async (more: object) => {
      const body = JSON.stringify({ model: MODEL, document: { type: 'document_url', document_url }, ...more })
      const response = await fetch(`${gateway.url}/v1/ocr`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      return (await response.json()) as { pages: { markdown: string; tables: { content: string }[] }[] }
    }
    assert.equal((await ask({ ocr: { tables: 'markdown' } })).pages[0]?.markdown, `x\n\n${PIPES}\n\n$a_1$`)
    const apart = await ask({ table_format: 'html' })
    assert.deepEqual(
      apart.pages.map(({ markdown, tables }) => [markdown, tables[0]?.content]),
      [['x\n\n[tbl-0.html](tbl-0.html)\n\n$a_1$', HTML]],
    )
  })

  for (const [name, table] of [
    ['thousands of rows', LONG],
    ['a hundred tables within each other', DEEP],
    ['thousands of cells in OTSL', OTSL],
  ] as const)
    it(`that have ${name} keep their text, and the ledger says so`, async () => {
      const { content, line } = await read(`x\n\n${table}\n\n${BROKEN}`, { tables: 'markdown' })
      assert.ok(content.startsWith(`x\n\n${table}`))
      assert.deepEqual(
        line.warnings?.map(({ code }) => code),
        ['left_as_written'],
      )
      assert.equal(line.status, 'ok')
    })

  it('say that they have no effect where there are none', async () => {
    const { warnings } = await read(HTML, { tables: 'html', output: 'text' })
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['option_ignored'],
    )
    assert.match(warnings[0]?.message ?? '', /ocr\.tables "html": plain text has no tables/)
  })

  it('are named when the option is misspelt', async () => {
    const asked = askWhole(gateway.client, { model: MODEL, parts: [filePart(picturedPdf(1))], ocr: { tables: 'csv' } })
    await assert.rejects(asked, { status: 400, param: 'ocr.tables', code: 'invalid_value' })
  })
})

describe('formulas', () => {
  for (const model of [MODEL, OTHER])
    it(`stand between dollars, and those that are no TeX are counted: ${model}`, async () => {
      const text = String.raw`So \(x^2\), \[ \frac{a}{b} \] and $\nosuch$ [1], \[2\], $5 and $6.`
      const { content, line } = await read(text, {}, model)
      assert.equal(content, String.raw`So $x^2$, $$ \frac{a}{b} $$ and $\nosuch$ [1], \[2\], $5 and $6.`)
      assert.deepEqual(line.formulas, {
        count: 3,
        broken_count: 1,
        broken: [{ tex: '\\nosuch', message: 'Undefined control sequence: \\nosuch at position 1' }],
      })
    })

  it('are TeX as the model wrote it where the task is to read formulas', async () => {
    const { content } = await read(String.raw`\[ x^2 \]`, { task: 'formula' }, OTHER)
    assert.equal(content, String.raw`\[ x^2 \]`)
  })

  it('are not mentioned where a page has none', async () => {
    const { line } = await read('It costs $5 and $6.')
    assert.equal(line.formulas, undefined)
  })

  it('that KaTeX does not come to the end of are said to be unchecked, and the page is whole', async () => {
    const startedAt = performance.now()
    const { content, line } = await read(`$a_1$ and\n\n$$\n${SLOW}\n$$\n\nEnd`)
    assert.ok(content.endsWith('End'))
    assert.deepEqual([line.status, line.formulas], ['ok', { count: 2, unchecked: 1 }])
    assert.ok(performance.now() - startedAt < 10_000)
  })

  it('are thousands on a page, which is whole', async () => {
    const text = Array.from({ length: 5000 }, (_, index) => `$a_{${index}}$`).join(' ')
    const { content, line } = await read(text)
    assert.equal(content, text)
    assert.equal(line.formulas?.count, 5000)
  })

  it('and a page of one line with signs that no text has', async () => {
    const { content, line } = await read(
      `a\u0000b \\(x^2\\) ${Array.from({ length: 5000 }, (_, word) => `word${word}`).join(' ')}`,
    )
    assert.ok(content.startsWith('a\u0000b $x^2$ word0 word1 '))
    assert.equal(line.formulas?.count, 1)
  })
})
