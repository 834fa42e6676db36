import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { mistralOcrResponse } from '../../gateway/wire/mistral/ocr-response.ts'
import { processResponse } from '../../gateway/wire/openwebui/process-response.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { encodePng } from '../fixtures/images.ts'
import { drawNumbered } from '../fixtures/printed-page.ts'
import { dataUrl, filePart } from '../support/documents.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pages = (...numbers: readonly number[]) => makePdf(numbers.map((number) => ({ number })))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const MAX_BYTES = 1_000_000

interface Sent {
  readonly name?: string
  readonly type?: string
  readonly path?: string
}

/** Sends bytes as Open WebUI does, which escapes the file's name and may know no type. */
function put({ url }: TestGateway, bytes: Uint8Array, { name, type, path = '/process' }: Sent = {}): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'PUT',
    headers: {
      authorization: 'Bearer unused',
      ...(name === undefined ? {} : { 'x-filename': encodeURIComponent(name) }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    body: new Uint8Array(bytes),
  })
}

async function processed(gateway: TestGateway, bytes: Uint8Array, sent?: Sent) {
  const response = await put(gateway, bytes, sent)
  const said: unknown = await response.json()
  assert.equal(response.status, 200, JSON.stringify(said))
  return processResponse.parse(said)
}

describe('PUT /process', () => {
  let fake: FakeVllm
  let gateway: TestGateway

  before(async () => {
    fake = await startFakeVllm()
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MAX_DOCUMENT_BYTES: String(MAX_BYTES),
    })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  it('leaves out the marks of pictures, which nobody could fetch', async () => {
    const own = await startFakeVllm({ answer: () => '# A\n\n![image](image_1.png)\n\nEnd' })
    await using other = await startTestGateway({ GATEWAY_UPSTREAM_URLS: own.url })
    assert.equal((await processed(other, pages(5))).page_content, '# A\n\nEnd')
    await other.stop()
    await own.close()
  })

  it('reads a PDF, and says flatly what it is', async () => {
    const pdf = pages(1, 2)
    const { page_content, metadata } = await processed(gateway, pdf, { name: 'Übersicht 1.pdf', type: 'text/html' })
    assert.match(page_content, /This is page 1\.[^]*This is page 2\./)
    assert.deepEqual(metadata, {
      source: 'Übersicht 1.pdf',
      media_type: 'application/pdf',
      sha256: sha256(pdf),
      bytes: pdf.length,
      model: 'lightonai/LightOnOCR-2-1B',
      pages: 2,
    })
  })

  it('reads an image that nothing is said about, under /v1 too', async () => {
    const { metadata } = await processed(gateway, await encodePng(drawNumbered(3)), { path: '/v1/process' })
    assert.deepEqual([metadata.media_type, metadata.pages, metadata.source], ['image/png', 1, undefined])
  })

  it('has the text of a chat and of Mistral’s endpoint, of one reading', async () => {
    const pdf = pages(31, 32, 33)
    const before = fake.requests.length
    const { page_content } = await processed(gateway, pdf)
    const { content, ocr } = await askWhole(gateway.client, { parts: [filePart(pdf)] })
    const mistral = await fetch(`${gateway.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ document: { document_url: dataUrl(pdf, 'application/pdf') } }),
    })
    const read = mistralOcrResponse.parse(await mistral.json())
    assert.equal(page_content, content)
    assert.deepEqual(
      read.pages.map(({ markdown }) => markdown),
      ocr.pages.map(({ start, end }) => content.slice(start, end)),
    )
    assert.equal(fake.requests.length - before, 3)
  })

  const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
  for (const { name, bytes, text, encoding = 'utf-8' } of [
    { name: 'notes.md', bytes: Buffer.from('# Ä\r\n\n- 1\n'), text: '# Ä\r\n\n- 1\n' },
    { name: 'mark.txt', bytes: Buffer.from('\uFEFFÄ'), text: 'Ä' },
    { name: 'table.csv', bytes: Buffer.from('a,b\n1,2\n'), text: 'a,b\n1,2\n' },
    { name: 'data.json', bytes: Buffer.from('{"a": [1]}'), text: '{"a": [1]}' },
    { name: 'page.html', bytes: Buffer.from('<!doctype html><p>Hi'), text: '<!doctype html><p>Hi' },
    { name: 'write-pdf.py', bytes: Buffer.from('HEAD = "%PDF-1.7"\n'), text: 'HEAD = "%PDF-1.7"\n' },
    { name: 'none', bytes: Buffer.from('BM, and so on'), text: 'BM, and so on' },
    { name: 'wide.txt', bytes: utf16('Grüße 漢字'), text: 'Grüße 漢字', encoding: 'utf-16le' },
    {
      name: 'old.txt',
      bytes: latin1('Sch\xf6ne Gr\xfc\xdfe, 10 \x80'),
      text: 'Schöne Grüße, 10 €',
      encoding: 'windows-1252',
    },
  ]) {
    it(`gives a text back unchanged: ${name}`, async () => {
      const before = fake.requests.length
      const { page_content, metadata } = await processed(gateway, bytes, { name, type: 'application/pdf' })
      assert.equal(page_content, text)
      const { length } = bytes
      assert.deepEqual(metadata, {
        source: name,
        media_type: 'text/plain',
        sha256: sha256(bytes),
        bytes: length,
        encoding,
      })
      assert.equal(fake.requests.length, before)
    })
  }

  it('gives a long text back unchanged, whatever its letters', async () => {
    const own = await startTestGateway({ GATEWAY_UPSTREAM_URLS: fake.url })
    await using _ = own
    const text = `"${'😀"\\\n漢'.repeat(1_000_000)}"`
    assert.equal((await processed(own, Buffer.from(text))).page_content, text)
  })

  for (const { name, bytes, status, code, says } of [
    { name: 'a.docx', bytes: latin1('PK\x03\x04\0\0\0word/document.xml'), status: 415, code: 'unsupported_media_type', says: /Word document/ }, // prettier-ignore
    { name: 'a.rtf', bytes: latin1('{\\rtf1 Hi}'), status: 415, code: 'unsupported_media_type', says: /rich-text/ },
    { name: 'a.bin', bytes: Buffer.from([1, 2, 3, 4]), status: 415, code: 'unsupported_media_type', says: /binary/ },
    { name: 'a.png', bytes: latin1('version https://git-lfs'), status: 415, code: 'unsupported_media_type', says: /plain text/ }, // prettier-ignore
    { name: 'a.pdf', bytes: latin1('Not found'), status: 400, code: 'document_unreadable', says: /not a PDF/ },
    { name: 'cut.pdf', bytes: latin1('%PDF-1.7'), status: 400, code: 'document_unreadable', says: /./ },
    { name: 'a.txt', bytes: Buffer.alloc(0), status: 400, code: 'document_empty', says: /no bytes/ },
    { name: 'large.txt', bytes: Buffer.alloc(MAX_BYTES + 1, 'a'), status: 413, code: 'document_too_large', says: /1000000 bytes/ }, // prettier-ignore
  ]) {
    it(`answers with an error, and no content: ${name}`, async () => {
      const response = await put(gateway, bytes, { name })
      const error = unitedErrorBody.parse(await response.json())
      assert.deepEqual([response.status, error.code, error.param], [status, code, 'body'])
      assert.match(error.message, says)
    })
  }

  it('says which pages could not be read in the metadata, and not in the text', async () => {
    const failure = { status: 400, body: { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } } }
    fake.setAnswer(({ image }) => (image?.pageNumber === 42 ? { failure } : `Page ${image?.pageNumber}.`))
    const { page_content, metadata } = await processed(gateway, pages(41, 42, 43))
    assert.deepEqual([page_content, metadata.failed_pages], ['Page 41.\n\n---\n\nPage 43.', '2'])
    const response = await put(gateway, pages(42))
    assert.deepEqual([response.status, unitedErrorBody.parse(await response.json()).code], [502, 'engine_error'])
  })
})

describe('the endpoints without /v1', () => {
  it('need a key where there are keys', async () => {
    await using gateway = await startTestGateway({ GATEWAY_API_KEYS: 'one:secret-secret-secret' })
    for (const [method, path] of [
      ['PUT', '/process'],
      ['POST', '/ocr'],
    ] as const) {
      // prettier-ignore
      const refused = await fetch(`${gateway.url}${path}`, { method, body: 'Hi' })
      assert.deepEqual([refused.status, unitedErrorBody.parse(await refused.json()).code], [401, 'invalid_api_key'])
    }
    const headers = { authorization: 'Bearer secret-secret-secret' }
    const answer = await fetch(`${gateway.url}/process`, { method: 'PUT', body: 'Hi', headers })
    assert.equal(processResponse.parse(await answer.json()).page_content, 'Hi')
  })
})
