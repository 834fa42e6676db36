import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import sharp from 'sharp'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { mistralOcrResponse } from '../../gateway/wire/mistral/ocr-response.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pdf = makePdf([1, 2, 3, 4].map((number) => ({ number })))
const url = dataUrl(pdf, 'application/pdf')
const image = dataUrl(await encodePng(drawNumbered(1)), 'image/png')
const document = { type: 'document_url', document_url: url }
const postTo = ({ url }: TestGateway, body: unknown = { document }, path = '/v1/ocr') =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const numbersIn = (pages: readonly { readonly markdown: string }[]) =>
  pages.map(({ markdown }) => Number(/This is page (\d+)\./.exec(markdown)?.[1] ?? 0))

describe('POST /v1/ocr', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let mistral: Mistral

  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B', 'tencent/HunyuanOCR'] })
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MAX_PAGES: '10',
      GATEWAY_MAX_DOCUMENT_BYTES: '5000000',
    })
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const ask = async (body: object, path?: string) => {
    const response = await postTo(gateway, { model: 'mistral-ocr-latest', document, ...body }, path)
    const said: unknown = await response.json()
    assert.equal(response.status, 200, JSON.stringify(said))
    return { headers: response.headers, ...mistralOcrResponse.parse(said) }
  }
  const refusal = async (body: object) => {
    const response = await postTo(gateway, { model: 'mistral-ocr-latest', document, ...body })
    const { code, param, message } = unitedErrorBody.parse(await response.json())
    return { status: response.status, code, param, message }
  }

  it('is what the official client calls, with its own defaults', async () => {
    const { pages, model, usageInfo } = await mistral.ocr.process({
      model: 'mistral-ocr-latest',
      document: { type: 'document_url', documentUrl: url },
      includeImageBase64: true,
      imageLimit: 0,
    })
    assert.deepEqual(numbersIn(pages), [1, 2, 3, 4])
    assert.deepEqual(
      pages.map(({ index }) => index),
      [0, 1, 2, 3],
    )
    assert.equal(model, 'lightonai/LightOnOCR-2-1B')
    assert.deepEqual(usageInfo, { pagesProcessed: 4, docSizeBytes: pdf.length })
    const { dimensions } = pages[0]!
    assert.equal(Math.max(dimensions!.width, dimensions!.height), 1540)
    assert.ok(Math.abs(dimensions!.dpi - (72 * 1540) / 842) <= 2, String(dimensions!.dpi))
  })

  it('has the texts of the chat’s answer, read once', async () => {
    const own = makePdf([{ number: 21 }, { number: 22 }])
    const before = fake.requests.length
    const { content, ocr } = await askWhole(gateway.client, { parts: [filePart(own)] })
    const { pages, headers } = await ask({ document: { document_url: dataUrl(own, 'application/pdf') } })
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      ocr.pages.map(({ start, end }) => content.slice(start, end)),
    )
    assert.deepEqual([fake.requests.length - before, headers.get('x-cache')], [2, 'HIT'])
  })

  for (const [name, spelled] of Object.entries({
    'a document_url in an object': { type: 'document_url', document_url: { url } },
    'without a type': { document_url: url, document_name: 'a.pdf' },
    'an image_url': { type: 'image_url', image_url: image },
    'an image_url in an object': { type: 'image_url', image_url: { url: image } },
    'a PDF in an image_url': { type: 'image_url', image_url: url },
    'a data URL in the place of an id': { type: 'file', file_id: url },
    'a bare data URL': url,
  })) {
    it(`reads a document as clients spell it: ${name}`, async () => {
      const { pages } = await ask({ document: spelled })
      assert.equal(pages.length, JSON.stringify(spelled).includes(image) ? 1 : 4)
    })
  }

  it('reads what the official client calls a picture, and a file, of which it knows no inches', async () => {
    const model = 'mistral-ocr-latest'
    const { pages } = await mistral.ocr.process({ model, document: { type: 'image_url', imageUrl: { url: image } } })
    assert.deepEqual(
      pages.map(({ index, dimensions }) => [index, dimensions?.dpi]),
      [[0, 72]],
    )
    const asFile = await mistral.ocr.process({ model, document: { type: 'file', fileId: url }, pages: '3' })
    assert.deepEqual(numbersIn(asFile.pages), [4])
  })

  for (const [asked, indices] of [
    [
      [0, 2],
      [0, 2],
    ],
    ['0-1,3', [0, 1, 3]],
    [
      [3, 1, 1],
      [1, 3],
    ],
    ['2', [2]],
    [1, [1]],
    [null, [0, 1, 2, 3]],
    [[], [0, 1, 2, 3]],
    ['', [0, 1, 2, 3]],
  ] as const) {
    it(`reads the 0-based pages that are asked for: ${JSON.stringify(asked)}`, async () => {
      const { pages } = await ask({ pages: asked })
      assert.deepEqual(
        pages.map(({ index }) => index),
        indices,
      )
      assert.deepEqual(
        numbersIn(pages),
        indices.map((index) => index + 1),
      )
    })
  }

  for (const [body, code, param, says] of [
    [{ pages: [4] }, 'page_out_of_range', 'pages', /page 4 \(the first is page 0\).*4 pages.*up to 3/],
    [{ pages: '0-7' }, 'page_out_of_range', 'pages', /page 7/],
    [{ pages: [-1] }, 'invalid_value', 'pages[0]', /0-based/],
    [{ pages: '2-1' }, 'invalid_value', 'pages', /ends before it begins/],
    [{ pages: 'all' }, 'invalid_value', 'pages', /"all"/],
    [{ pages: [0], ocr: { pages: '1' } }, 'invalid_value', 'ocr.pages', /either/],
    [{ ocr: { pages: '5' } }, 'page_out_of_range', 'ocr.pages', /page 5, .*up to 4/],
    [{ ocr: { page: '5' } }, 'unknown_option', 'ocr.page', /pages, task/],
    [{ ocr: { output: 'json' } }, 'invalid_value', 'ocr.output', /markdown/],
    [{ document: null }, 'invalid_value', 'document', /document_url/],
    [{ document: { type: 'document_url' } }, 'invalid_value', 'document.document_url', /base64/],
    [{ document: { type: 'file', file_id: 'file-1' } }, 'file_not_found', 'document.file_id', /file-1/],
    [{ document: { document_url: 'https://example.org/a.pdf' } }, 'url_not_allowed', 'document.document_url', /./],
    [{ document: { document_url: 'data:application/pdf;base64,QUJD' } }, 'document_unreadable', 'document.document_url', /./], // prettier-ignore
    [
      { model: 'tencent/HunyuanOCR', document_annotation_format: { type: 'json_schema' } },
      'invalid_value',
      'document_annotation_format',
      /properties/,
    ],
    [{ image_limit: -1 }, 'invalid_value', 'image_limit', /0 or more/],
    [
      { document_annotation_format: { type: 'json_schema' } },
      'invalid_value',
      'document_annotation_format',
      /cannot extract/,
    ],
    [{ bbox_annotation_format: { type: 'json_schema' } }, 'invalid_value', 'bbox_annotation_format', /Leave it out/],
  ] as const) {
    it(`refuses, naming the field: ${JSON.stringify(body)}`, async () => {
      const refused = await refusal(body)
      assert.deepEqual([refused.code, refused.param], [code, param])
      assert.match(refused.message, says)
    })
  }

  it('tells the official client what was wrong', async () => {
    const asked = mistral.ocr.process({ model: 'x', document: { type: 'document_url', documentUrl: url }, pages: [9] })
    await assert.rejects(asked, /"message":"pages asks for page 9/)
  })

  const form = (
    fields: Readonly<Record<string, string>>,
    file: Uint8Array | null = pdf,
    name = 'Bericht Ä "1".pdf',
  ) => {
    const body = new FormData()
    const [before, after] = [Object.entries(fields).slice(0, 1), Object.entries(fields).slice(1)]
    for (const [field, value] of before) body.append(field, value)
    if (file !== null) body.append('file', new Blob([new Uint8Array(file)], { type: 'application/octet-stream' }), name)
    for (const [field, value] of after) body.append(field, value)
    return fetch(`${gateway.url}/v1/ocr`, { method: 'POST', body })
  }

  for (const [fields, indices] of [
    [{}, [0, 1, 2, 3]],
    [{ model: 'mistral-ocr-latest', pages: '0-1,3', include_image_base64: 'false', image_limit: '0' }, [0, 1, 3]],
    [{ pages: '[2]', ocr: '{"cache": "off"}', extra: '{' }, [2]],
    [{ pages: '', model: '' }, [0, 1, 2, 3]],
  ] as const) {
    it(`reads a form with the document in "file": ${JSON.stringify(fields)}`, async () => {
      const response = await form(fields)
      const { pages, usage_info } = mistralOcrResponse.parse(await response.json())
      assert.deepEqual(
        pages.map(({ index }) => index),
        indices,
      )
      assert.equal(usage_info.doc_size_bytes, pdf.length)
    })
  }

  it('reads a form whose document is no file', async () => {
    const response = await form({ document: JSON.stringify(document) }, null)
    assert.equal(mistralOcrResponse.parse(await response.json()).pages.length, 4)
  })

  it('reads a document of a megabyte in a form whole', async () => {
    const large = Buffer.concat([pdf, Buffer.alloc(3 * 1024 * 1024, '\r\n--')])
    const { usage_info, ocr } = mistralOcrResponse.parse(await (await form({}, large)).json())
    assert.equal(usage_info.doc_size_bytes, large.length)
    assert.equal(ocr.document.sha256, createHash('sha256').update(large).digest('hex'))
  })

  for (const [name, send, code, param] of [
    ['a page that is not there', () => form({ pages: '9' }), 'page_out_of_range', 'pages'],
    ['an option of the wrong type', () => form({ image_limit: 'many' }), 'invalid_value', 'image_limit'],
    ['broken JSON', () => form({ ocr: '{' }), 'invalid_value', 'ocr'],
    ['no document', () => form({}, null), 'invalid_value', 'document'],
    ['a file that is none', () => form({}, Buffer.from('Hi')), 'document_unreadable', 'file'],
    ['a file that is too large', () => form({}, Buffer.alloc(5_000_001)), 'document_too_large', 'file'],
  ] as const) {
    it(`refuses a form with ${name}`, async () => {
      const refused = unitedErrorBody.parse(await (await send()).json())
      assert.deepEqual([refused.code, refused.param], [code, param])
    })
  }

  for (const [name, type, body] of [
    ['has no boundary', 'multipart/form-data; x=1', 'Hi'],
    [
      'breaks off',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nHi',
    ],
    ['is none', 'multipart/form-data; boundary=b', 'Hi'],
  ] as const) {
    it(`refuses a form that ${name}`, async () => {
      const headers = { 'content-type': type }
      const response = await fetch(`${gateway.url}/v1/ocr`, { method: 'POST', headers, body })
      assert.equal(response.status, 400)
      assert.match(unitedErrorBody.parse(await response.json()).message, /form/)
    })
  }

  it('reads with the model that is named, where it is served', async () => {
    assert.equal((await ask({ model: 'tencent/HunyuanOCR' })).model, 'tencent/HunyuanOCR')
    assert.equal((await ask({ model: null })).model, 'lightonai/LightOnOCR-2-1B')
  })

  it('accepts options that it does not know, and says which had no effect', async () => {
    const quiet = { include_blocks: true, image_limit: 0, image_min_size: 10, id: 'x', extract_header: false, extra: 1 }
    assert.deepEqual((await ask({ ...quiet, document_annotation_format: { type: 'text' } })).ocr.warnings, undefined)
    const headers = { extract_header: true, extract_footer: true }
    const { ocr } = await ask({ ...headers, table_format: 'html', ocr: { output: 'text' } })
    assert.deepEqual(
      ocr.warnings?.map(({ code }) => code),
      ['option_ignored'],
    )
  })

  it('has confidence scores where they are asked for', async () => {
    const { pages } = await ask({ confidence_scores_granularity: 'page', pages: [0], ocr: { cache: 'off' } })
    const { average_page_confidence_score: mean = 0, minimum_page_confidence_score: lowest = 1 } =
      pages[0]?.confidence_scores ?? {}
    assert.ok(mean > 0 && lowest <= mean, JSON.stringify(pages[0]?.confidence_scores))
    assert.equal((await ask({ pages: [0] })).pages[0]?.confidence_scores, null)
  })

  for (const [client, path, body] of [
    [
      'Open WebUI, with a data URL',
      '/v1/ocr',
      {
        model: 'mistral-ocr-latest',
        document: { type: 'document_url', document_url: url },
        include_image_base64: false,
      },
    ],
    [
      'LibreChat, with a picture',
      '/v1/ocr',
      {
        model: 'mistral-ocr-latest',
        image_limit: 0,
        include_image_base64: false,
        document: { type: 'image_url', image_url: image },
      },
    ],
    ['LibreChat, with a base URL that ends in a slash', '/v1//ocr', { model: 'x', image_limit: 0, document: { type: 'document_url', document_url: url } }], // prettier-ignore
    ['LiteLLM', '/v1/ocr', { model: 'default', document: { type: 'document_url', document_url: url }, pages: [0], extra_headers: null }], // prettier-ignore
    ['the flavour of Azure', '/ocr', { model: 'mistral-document-ai', document: { document_url: url } }],
  ] as const) {
    it(`answers ${client}`, async () => {
      const response = await postTo(gateway, body, path)
      const { pages, model } = mistralOcrResponse.parse(await response.json())
      assert.ok(pages.length > 0)
      assert.equal(model, 'lightonai/LightOnOCR-2-1B')
    })
  }

  it('can be asked what reading would take', async () => {
    const { pages, ocr } = await ask({ ocr: { dry_run: true } })
    assert.deepEqual([pages, ocr.dry_run?.pages], [[], 4])
  })

  it('is found without /v1, and with doubled slashes', async () => {
    for (const path of ['/ocr', '/v1//ocr', '/v1/ocr/']) assert.equal((await ask({}, path)).pages.length, 4)
  })

  it('lists models as the official client expects them', async () => {
    const { data = [] } = await mistral.models.list()
    const cards = data.map((model) => (model.type === 'base' ? [model.id, model.capabilities.ocr] : model))
    const ids = ['lightonai/LightOnOCR-2-1B', 'tencent/HunyuanOCR', 'tesseract', 'default']
    assert.deepEqual(
      cards,
      ids.map((id) => [id, true]),
    )
  })

  it('has a chat beside it that the official client uses', async () => {
    const { choices } = await mistral.chat.complete({
      model: 'default',
      messages: [{ role: 'user', content: [{ type: 'document_url', documentUrl: url }] }],
    })
    assert.match(JSON.stringify(choices), /This is page 1\.[^]*This is page 4\./)
    const missing = mistral.chat.complete({
      model: 'default',
      messages: [{ role: 'user', content: [{ type: 'file', fileId: 'file-1' }] }],
    })
    await assert.rejects(missing, /file_not_found/)
  })
})

describe('a page that cannot be read', () => {
  const failure = { status: 400, body: { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } } }

  it('has no text that could be taken for the page’s, and says why', async () => {
    await using fake = await startFakeVllm({
      answer: ({ image }) => (image?.pageNumber === 2 ? { failure } : `Page ${image?.pageNumber}.`),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const response = await postTo(gateway)
    const { pages, usage_info } = mistralOcrResponse.parse(await response.json())
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      ['Page 1.', '', 'Page 3.', 'Page 4.'],
    )
    assert.deepEqual([pages[1]?.error?.code, usage_info.pages_processed], ['engine_error', 3])
  })

  it('has none either where the client does not wait for it', async () => {
    await using fake = await startFakeVllm({
      answer: ({ image }) => ({
        text: `Page ${image?.pageNumber}.`,
        ...(image?.pageNumber === 4 ? { firstDelayMs: 60_000 } : {}),
      }),
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const response = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-stainless-timeout': '8' },
      body: JSON.stringify({ document, ocr: { on_deadline: 'partial' } }),
    })
    const { pages } = mistralOcrResponse.parse(await response.json())
    assert.deepEqual([pages[3]?.markdown, pages[3]?.error?.code, pages[0]?.markdown], ['', 'engine_timeout', 'Page 1.'])
  })

  it('fails the request where no page can be read', async () => {
    await using fake = await startFakeVllm({ answer: () => ({ failure }) })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const response = await postTo(gateway)
    assert.equal(response.status, 502)
    assert.equal(unitedErrorBody.parse(await response.json()).code, 'engine_error')
  })
})

describe('the tables and links of a page', () => {
  const pipes = '| a | b |\n|---|---|\n| 1 | 2 |'
  const html = '<table><tr><td>3</td><td>4</td></tr></table>'
  const wide = '<table><tr><td colspan="2">5</td></tr></table>'
  const text = `[Home](https://example.org) and https://example.com.\n\n${pipes}\n\n${html}\n\nEnd`
  let fake: FakeVllm
  let gateway: TestGateway
  let mistral: Mistral

  before(async () => {
    fake = await startFakeVllm({ answer: ({ image }) => (image?.pageNumber === 1 ? text : wide) })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const ask = async (tableFormat: 'markdown' | 'html' | null, more: object = {}) => {
    const documentUrl = dataUrl(makePdf([{ number: 1 }, { number: 2 }]), 'application/pdf')
    const asked = { model: 'x', document: { type: 'document_url' as const, documentUrl }, tableFormat, ...more }
    const { pages } = await mistral.ocr.process(asked)
    return pages
  }

  it('stand in the Markdown, where no format is asked for', async () => {
    const pages = await ask(null)
    assert.deepEqual(
      pages.map(({ markdown, tables }) => [markdown, tables]),
      [
        [text, []],
        [wide, []],
      ],
    )
    assert.deepEqual(pages[0]?.hyperlinks, ['https://example.org', 'https://example.com'])
  })

  it('stand apart in the format that is asked for, with a link to each in its place', async () => {
    const asMarkdown = await ask('markdown')
    assert.equal(
      asMarkdown[0]?.markdown,
      text.replace(pipes, '[tbl-0.md](tbl-0.md)').replace(html, '[tbl-1.md](tbl-1.md)'),
    )
    assert.deepEqual(
      asMarkdown.map(({ tables }) => tables),
      [
        [
          { id: 'tbl-0.md', content: pipes, format: 'markdown' },
          { id: 'tbl-1.md', content: '| 3 | 4 |\n| --- | --- |', format: 'markdown' },
        ],
        [{ id: 'tbl-2.html', content: wide, format: 'html' }],
      ],
    )
    assert.equal(asMarkdown[1]?.markdown, '[tbl-2.html](tbl-2.html)')
    const [first] = await ask('html')
    assert.match(first?.tables?.[0]?.content ?? '', /^<table><thead><tr><th>a<.*<td>2<\/td><\/tr><\/tbody><\/table>$/)
    assert.deepEqual(first?.tables?.[1], { id: 'tbl-1.html', content: html, format: 'html' })
    assert.deepEqual(first?.hyperlinks, ['https://example.org', 'https://example.com'])
  })

  it('are none of plain text', async () => {
    const response = await postTo(gateway, { document, table_format: 'html', ocr: { output: 'text' }, pages: [0] })
    const { pages } = mistralOcrResponse.parse(await response.json())
    assert.deepEqual(pages[0]?.tables, [])
    assert.doesNotMatch(pages[0]?.markdown ?? '', /tbl-|<table>/)
  })
})

describe('the blocks of a page', () => {
  const code = [
    '![code](100,100,900,300) ```py',
    'x = 1',
    '```',
    '![table](100,400,900,600) <table><tr><td>1</td></tr>',
    '![footer](100,940,800,960) Issue 7',
  ].join('\n')
  const layout = [
    '![header](100,10,900,30) Annual report',
    '![title](100,100,900,150) # Title',
    '![text](100,200,450,800) The first half of',
    '![text+](550,200,900,400) a sentence.',
    '![image](550,450,900,700)',
    '![table](550,720,900,800) <table><tr><td>1</td></tr></table>',
    '![page_number](480,960,520,980) 7',
  ].join('\n')
  let fake: FakeVllm
  let gateway: TestGateway
  let mistral: Mistral

  before(async () => {
    const isLayout = (body: unknown) => JSON.stringify(body).includes('"grounding"')
    fake = await startFakeVllm({
      models: ['lightonai/LightOnOCR-3-1B', 'tencent/HunyuanOCR'],
      answer: ({ body, image }) => {
        if (!isLayout(body)) return 'Annual report\n\n# Title'
        return image?.pageNumber === 2 ? code : layout
      },
    })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const ask = async (more: object, model = 'mistral-ocr-latest') => {
    const documentUrl = dataUrl(makePdf([{ number: 1 }]), 'application/pdf')
    const { pages } = await mistral.ocr.process({ model, document: { type: 'document_url', documentUrl }, ...more })
    return pages[0]!
  }

  it('are null, and headers stand in the text, where they are not asked for', async () => {
    const { blocks, header, footer, markdown } = await ask({})
    assert.deepEqual([blocks, header, footer, markdown], [null, null, null, 'Annual report\n\n# Title'])
  })

  it('are told apart where headers and footers are asked for', async () => {
    const { markdown, header, footer, blocks, dimensions } = await ask({ extractHeader: true, extractFooter: true })
    const text = '# Title\n\nThe first half of a sentence.\n\n![page-1-image-1.jpeg](page-1-image-1.jpeg)\n\n'
    assert.deepEqual([header, footer], ['Annual report', '7'])
    assert.equal(markdown, `${text}<table><tr><td>1</td></tr></table>`)
    assert.deepEqual(
      blocks?.map(({ type }) => type),
      ['header', 'title', 'text', 'text', 'image', 'table', 'footer'],
    )
    const [first] = blocks ?? []
    assert.ok(first?.type === 'header' && dimensions !== null)
    assert.deepEqual(
      [first.content, first.topLeftX, first.bottomRightY],
      ['Annual report', Math.floor(dimensions.width * 0.1), Math.ceil(dimensions.height * 0.03)],
    )
  })

  it('have nothing that the gateway closes where they are joined with their marks', async () => {
    const documentUrl = dataUrl(makePdf([{ number: 2 }]), 'application/pdf')
    const asked = { model: 'mistral-ocr-latest', document: { type: 'document_url' as const, documentUrl } }
    const { pages } = await mistral.ocr.process({ ...asked, extractFooter: true })
    const { markdown, footer, blocks } = pages[0]!
    assert.deepEqual(
      [footer, blocks?.map((block) => ('content' in block ? block.content : null))],
      ['Issue 7', ['```py\nx = 1\n```', '<table><tr><td>1</td></tr>', 'Issue 7']],
    )
    assert.equal(markdown, '```py\nx = 1\n```\n\n<table><tr><td>1</td></tr>\n</table>')
  })

  it('have a header apart and a footer in the text, as asked', async () => {
    const { markdown, header, footer } = await ask({ extractHeader: true, includeBlocks: false })
    assert.deepEqual([header, footer], ['Annual report', null])
    assert.match(markdown, /^# Title[^]*\n\n7$/)
  })

  it('are there where the layout is asked for, with their pictures and tables', async () => {
    const { markdown, images, tables, blocks } = await ask({
      ocr: { task: 'layout' },
      includeImageBase64: true,
      tableFormat: 'markdown',
    })
    // The client leaves out what it does not know: `ocr`.
    assert.deepEqual([markdown, images, tables, blocks], ['Annual report\n\n# Title', [], [], null])
    const response = await postTo(gateway, {
      document: { document_url: dataUrl(makePdf([{ number: 1 }]), 'application/pdf') },
      ocr: { task: 'layout' },
      include_image_base64: true,
      table_format: 'markdown',
    })
    const [page] = mistralOcrResponse.parse(await response.json()).pages
    assert.match(page?.markdown ?? '', /^Annual report\n\n# Title[^]*\[tbl-0\.md\]\(tbl-0\.md\)\n\n7$/)
    assert.deepEqual(
      page?.images.map(({ id, image_base64 }) => [id, image_base64?.slice(0, 23)]),
      [['page-1-image-1.jpeg', 'data:image/jpeg;base64,']],
    )
    assert.equal(page?.blocks?.find(({ type }) => type === 'image')?.image_id, 'page-1-image-1.jpeg')
  })

  it('are not known of other models, but for what stands on page after page', async () => {
    const { header, blocks } = await ask({ extractHeader: true }, 'tencent/HunyuanOCR')
    assert.deepEqual([header, blocks], [null, null])
    const asked = { document, model: 'tencent/HunyuanOCR', extract_footer: true }
    const { ocr } = mistralOcrResponse.parse(await (await postTo(gateway, asked)).json())
    assert.deepEqual(
      ocr.warnings?.map(({ code }) => code),
      undefined,
    )
    const table = { ...asked, ocr: { task: 'table' } }
    const said = mistralOcrResponse.parse(await (await postTo(gateway, table)).json())
    assert.match(said.ocr.warnings?.[0]?.message ?? '', /footers/)
  })
})

describe('the pictures of a page', () => {
  const marked = '# Title\n\n![image](image_1.png)100,200,500,700\n\nText, ![image](image_2.png) 0,0,10,10 and 1,2,3,4.'
  const text =
    '# Title\n\n![page-1-image-1.jpeg](page-1-image-1.jpeg)\n\nText, ![page-1-image-2.jpeg](page-1-image-2.jpeg) and 1,2,3,4.'
  let fake: FakeVllm
  let gateway: TestGateway
  let mistral: Mistral

  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B-bbox'], answer: () => marked })
    gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const ask = (more: object = {}) =>
    mistral.ocr.process({
      model: 'mistral-ocr-latest',
      document: { type: 'document_url', documentUrl: dataUrl(makePdf([{ number: 1 }]), 'application/pdf') },
      ...more,
    })

  it('have their places in pixels of the page, and the names that the Markdown has', async () => {
    const { pages } = await ask()
    const [{ markdown, images, dimensions }] = pages as [(typeof pages)[0]]
    const { width, height } = dimensions!
    assert.equal(markdown, text)
    assert.deepEqual(images[0], {
      id: 'page-1-image-1.jpeg',
      topLeftX: Math.floor(0.1 * width),
      topLeftY: Math.floor(0.2 * height),
      bottomRightX: Math.ceil(0.5 * width),
      bottomRightY: Math.ceil(0.7 * height),
      imageBase64: null,
      imageAnnotation: null,
    })
    assert.equal(images.length, 2)
  })

  it('are cut out of the page where they are asked for, as A4 is at 300 dots for each inch', async () => {
    const { pages } = await ask({ includeImageBase64: true })
    for (const { imageBase64, topLeftX, topLeftY, bottomRightX, bottomRightY } of pages[0]!.images) {
      const [head = '', data = ''] = imageBase64!.split(',')
      assert.equal(head, 'data:image/jpeg;base64')
      const { width, height, format } = await sharp(Buffer.from(data, 'base64')).metadata()
      assert.equal(format, 'jpeg')
      const [wide, high] = [bottomRightX! - topLeftX!, bottomRightY! - topLeftY!]
      const scale = 3508 / 1540
      assert.ok(Math.abs(width - wide * scale) <= 3 && Math.abs(height - high * scale) <= 3, `${width} × ${height}`)
    }
    assert.equal(fake.requests.length, 1)
  })

  it('are wanted in the way of the other protocols, too', async () => {
    const read = async (figures: string, more: object = {}) => {
      const response = await postTo(gateway, {
        document: { type: 'document_url', document_url: dataUrl(makePdf([{ number: 1 }]), 'application/pdf') },
        ocr: { figures },
        ...more,
      })
      const [page] = mistralOcrResponse.parse(await response.json()).pages
      return { markdown: page?.markdown ?? '', data: page?.images.map(({ image_base64: it }) => it?.slice(0, 10)) }
    }
    assert.deepEqual(await read('reference'), { markdown: text, data: ['data:image', 'data:image'] })
    assert.deepEqual(await read('drop', { include_image_base64: true }), {
      markdown: '# Title\n\nText, and 1,2,3,4.',
      data: [],
    })
    const { markdown, data } = await read('embed')
    assert.deepEqual(data, [undefined, undefined])
    const embedded = /\((data:image\/jpeg;base64,[^)]+)\)/g
    assert.equal(markdown.match(embedded)?.length, 2)
    assert.equal(markdown.replaceAll(embedded, ''), text.replaceAll(/\(page[^)]*\)/g, ''))
  })

  it('are as many and as large as the client wants', async () => {
    const idsOf = async (more: object) => (await ask(more)).pages[0]!.images.map(({ id }) => id)
    assert.deepEqual(await idsOf({ imageLimit: 1, includeImageBase64: true }), ['page-1-image-1.jpeg'])
    assert.deepEqual(await idsOf({ imageLimit: 0, includeImageBase64: true }), [])
    assert.deepEqual(await idsOf({ imageMinSize: 100 }), ['page-1-image-1.jpeg'])
  })

  it('leave the content of a chat as the model wrote it', async () => {
    const { content } = await askWhole(gateway.client, { parts: [filePart(makePdf([{ number: 1 }]))] })
    assert.match(content, /!\[image\]\(page-1-image-1\.png\)100,200,500,700/)
  })
})

describe('an annotation of the whole document', () => {
  const schema = { type: 'object', properties: { date: { type: 'string' }, items: { type: 'array' } } }
  const documentAnnotationFormat = {
    type: 'json_schema' as const,
    jsonSchema: { name: 'invoice', schemaDefinition: schema, strict: true },
  }
  const isExtract = (body: unknown) => JSON.stringify(body).includes("['date', 'items']")

  it('has the fields of all pages, beside their text', async () => {
    const fields = [
      '{"date": "", "items": [1]}',
      '{"date": "2026-11-28", "items": [2]}',
      '```json\n{"items": [3]}\n```',
      'none',
    ]
    await using fake = await startFakeVllm({
      models: ['tencent/HunyuanOCR'],
      answer: ({ body, image }) => {
        const number = image?.pageNumber ?? 1
        return isExtract(body) ? (fields[number - 1] ?? '') : `Page ${number}.`
      },
    })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const mistral = new Mistral({ serverURL: gateway.url, apiKey: 'unused' })
    const { documentAnnotation, pages } = await mistral.ocr.process({
      model: 'mistral-ocr-latest',
      document: { type: 'document_url', documentUrl: url },
      documentAnnotationFormat,
    })
    assert.deepEqual(JSON.parse(documentAnnotation ?? ''), { date: '2026-11-28', items: [1, 2, 3] })
    assert.deepEqual(
      pages.map(({ markdown }) => markdown),
      ['Page 1.', 'Page 2.', 'Page 3.', 'Page 4.'],
    )
    assert.equal(fake.requests.length, 8)
  })

  it('is not read by a dry run, and is of the pages that are asked for', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'], answer: () => '{"date": "today"}' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const document_annotation_format = { type: 'json_schema', json_schema: { schema } }
    await postTo(gateway, { document, document_annotation_format, ocr: { dry_run: true } })
    assert.equal(fake.requests.length, 0)
    const response = await postTo(gateway, { document, document_annotation_format, pages: [1] })
    const { document_annotation, ocr } = mistralOcrResponse.parse(await response.json())
    assert.equal(document_annotation, '{"date":"today"}')
    const { task, pages = [] } = ocr.annotation ?? {}
    assert.deepEqual(
      [task, ocr.task, pages.map(({ page, status }) => [page, status])],
      ['extract', 'document', [[2, 'ok']]],
    )
    assert.ok((pages[0]?.prompt_tokens ?? 0) > 0 && (pages[0]?.completion_tokens ?? 0) > 0)
    assert.deepEqual(
      fake.requests.map(({ image }) => image?.pageNumber),
      [2, 2],
    )
  })

  it('is null, with a warning, where the model writes no JSON', async () => {
    await using fake = await startFakeVllm({ models: ['tencent/HunyuanOCR'], answer: () => 'Text' })
    await using gateway = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    const json_schema = { name: 'invoice', schema }
    const response = await postTo(gateway, {
      document,
      document_annotation_format: { type: 'json_schema', json_schema },
    })
    const { document_annotation, ocr } = mistralOcrResponse.parse(await response.json())
    assert.deepEqual([document_annotation, ocr.warnings?.map(({ code }) => code)], [null, ['response_format_ignored']])
  })
})
