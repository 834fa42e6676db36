import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Mistral } from '@mistralai/mistralai'
import OpenAI, { NotFoundError, toFile } from 'openai'
import { fileDeleted, fileList, fileObject } from '../../gateway/wire/openai/file.ts'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'

const pdf = makePdf([1, 2].map((number) => ({ number })))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
/** What a request is sent with. */
type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> }
const keys = 'one:key-one,two:key-two'

describe('/v1/files', () => {
  let fake: FakeVllm
  let gateway: TestGateway
  let openai: OpenAI
  let other: OpenAI
  let mistral: Mistral

  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B'] })
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: keys,
      GATEWAY_MAX_DOCUMENT_BYTES: '5000000',
      GATEWAY_FILE_TTL_SECONDS: '86400',
    })
    const client = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 })
    openai = client('key-one')
    other = client('key-two')
    mistral = new Mistral({ serverURL: gateway.url, apiKey: 'key-one' })
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const upload = async (bytes: Uint8Array = pdf, name = 'a.pdf', more: object = {}) =>
    openai.files.create({ file: await toFile(bytes, name), purpose: 'user_data', ...more })
  const ask = (path: string, init: Init = {}, key = 'key-one') =>
    fetch(`${gateway.url}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })
  const refusal = async (asked: Response | Promise<Response>) => {
    const response = await asked
    const { code, param, message } = unitedErrorBody.parse(await response.json())
    return { status: response.status, code, param, message, retry: response.headers.get('x-should-retry') }
  }
  const post = (form: FormData, key?: string) => ask('/v1/files', { method: 'POST', body: form }, key)
  const formOf = (fields: Readonly<Record<string, string>>, bytes: Uint8Array = pdf) => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob([Buffer.from(bytes)]), 'a.pdf')
    return form
  }

  it('keeps what OpenAI’s client uploads, and gives it back', async () => {
    const file = await upload(pdf, 'Übersicht "1".pdf')
    assert.deepEqual(fileObject.parse(file), {
      id: file.id,
      object: 'file',
      bytes: pdf.length,
      created_at: file.created_at,
      expires_at: file.created_at + 86_400,
      filename: 'Übersicht "1".pdf',
      purpose: 'user_data',
      status: 'processed',
      status_details: null,
      sample_type: 'ocr_input',
      source: 'upload',
      mimetype: null,
      num_lines: null,
      signature: null,
      deleted: false,
      sha256: sha256(pdf),
    })
    assert.match(file.id, /^file-[0-9a-z]{41}$/)
    assert.ok(Math.abs(file.created_at - Date.now() / 1000) < 60)
    assert.deepEqual(await openai.files.retrieve(file.id), file)
    assert.deepEqual(await openai.files.waitForProcessing(file.id), file)
    const content = await openai.files.content(file.id)
    assert.deepEqual(Buffer.from(await content.arrayBuffer()), Buffer.from(pdf))
    assert.equal(content.headers.get('content-length'), String(pdf.length))
    assert.equal(content.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(
      content.headers.get('content-disposition'),
      `attachment; filename="_bersicht _1_.pdf"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.pdf`,
    )
    assert.deepEqual(fileDeleted.parse(await openai.files.delete(file.id)), {
      id: file.id,
      object: 'file',
      deleted: true,
    })
    await assert.rejects(openai.files.retrieve(file.id), NotFoundError)
    await assert.rejects(openai.files.content(file.id), NotFoundError)
    await assert.rejects(openai.files.delete(file.id), NotFoundError)
  })

  it('keeps what comes as a stream of no announced length', async () => {
    const path = join(import.meta.dirname, '../fixtures/documents/four-page-scan.pdf')
    const file = await openai.files.create({ file: createReadStream(path), purpose: 'user_data' })
    assert.deepEqual([file.filename, file.bytes], ['four-page-scan.pdf', statSync(path).size])
    assert.equal(fileObject.parse(file).sha256, sha256(readFileSync(path)))
  })

  it('does as much for Mistral’s client: its walk ends in the pages of the document', async () => {
    const file = await mistral.files.upload({ file: { fileName: 'scan.pdf', content: pdf }, purpose: 'ocr' })
    assert.deepEqual(
      [file.sizeBytes, file.purpose, file.sampleType, file.source],
      [pdf.length, 'ocr', 'ocr_input', 'upload'],
    )
    assert.equal((await mistral.files.retrieve({ fileId: file.id })).deleted, false)
    const { url } = await mistral.files.getSignedUrl({ fileId: file.id, expiry: 1 })
    const pages = async (document: Parameters<typeof mistral.ocr.process>[0]['document']) =>
      (await mistral.ocr.process({ model: 'mistral-ocr-latest', document })).pages.map(({ index }) => index)
    assert.deepEqual(await pages({ type: 'document_url', documentUrl: url }), [0, 1])
    assert.deepEqual(await pages({ type: 'image_url', imageUrl: url }), [0, 1])
    assert.deepEqual(await pages({ type: 'file', fileId: file.id }), [0, 1])
    const downloaded = await new Response(await mistral.files.download({ fileId: file.id })).arrayBuffer()
    assert.equal(downloaded.byteLength, pdf.length)
    assert.deepEqual(await mistral.files.delete({ fileId: file.id }), { id: file.id, object: 'file', deleted: true })
    await assert.rejects(pages({ type: 'document_url', documentUrl: url }), /file_not_found/)
  })

  it('walks as Open WebUI does, at a base URL without /v1, and as LibreChat does, at one with a slash', async () => {
    for (const base of ['', '/v1/']) {
      const form = formOf({ purpose: 'ocr' })
      const file = fileObject.parse(await (await ask(`${base}/files`, { method: 'POST', body: form })).json())
      const { url } = (await (await ask(`${base}/files/${file.id}/url?expiry=1`)).json()) as { url: string }
      const ocr = await ask(`${base}/ocr`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'mistral-ocr-latest',
          document: { type: 'document_url', document_url: url },
          include_image_base64: false,
        }),
      })
      assert.equal(((await ocr.json()) as { pages: unknown[] }).pages.length, 2)
      const deleted = await ask(`${base}/files/${file.id}`, {
        method: 'DELETE',
        headers: { 'content-type': 'application/json' },
      })
      assert.equal(deleted.status, 200)
    }
  })

  it('is where a chat finds its document, which the ledger knows by the file’s hash', async () => {
    const own = makePdf([{ number: 31 }])
    const file = await upload(own)
    const parts = [{ type: 'file', file: { file_id: file.id } } as const]
    const { content, ocr } = await askWhole(openai, { parts })
    assert.match(content, /This is page 31\./)
    assert.deepEqual(ocr.documents ?? ocr.document, { sha256: sha256(own), media_type: 'application/pdf', pages: 1 })
    await assert.rejects(askWhole(other, { parts }), { status: 404, code: 'file_not_found', param: /file_id/ })
  })

  describe('a list', () => {
    let ids: string[]
    let lister: OpenAI
    let own: TestGateway

    before(async () => {
      own = await startTestGateway()
      lister = own.client
      ids = []
      for (let number = 0; number < 7; number++) {
        const purpose = number % 2 === 0 ? 'user_data' : 'vision'
        const file = await toFile(Buffer.from(`file ${number}`), `${number}.txt`, { type: 'text/plain' })
        ids.push((await lister.files.create({ file, purpose })).id)
      }
    })
    after(() => own.stop())

    const listed = async (query = '') => {
      const response = await fetch(`${own.url}/v1/files${query}`)
      return fileList.parse(await response.json())
    }

    it('is walked through by OpenAI’s client, in pages, and ends', async () => {
      const seen: string[] = []
      for await (const { id } of lister.files.list({ limit: 3 })) seen.push(id)
      assert.deepEqual(seen, ids.toReversed())
      const first = await listed('?limit=3&order=asc')
      assert.deepEqual(
        [first.data.map(({ id }) => id), first.first_id, first.last_id, first.has_more, first.total],
        [ids.slice(0, 3), ids[0], ids[2], true, 7],
      )
      const last = await listed(`?limit=4&order=asc&after=${ids[2]}`)
      assert.deepEqual([last.data.map(({ id }) => id), last.has_more], [ids.slice(3), false])
      const behind = await listed(`?order=asc&after=${ids[6]}`)
      assert.deepEqual([behind.data, behind.first_id, behind.last_id, behind.has_more], [[], null, null, false])
    })

    it('is walked through by Mistral’s client, in its pages', async () => {
      const client = new Mistral({ serverURL: own.url, apiKey: 'unused' })
      const page = async (page: number, more: object = {}) => {
        const { data, total } = await client.files.list({ page, pageSize: 3, ...more })
        return [data.map(({ id }) => ids.indexOf(id)), total]
      }
      assert.deepEqual(await page(0), [[6, 5, 4], 7])
      assert.deepEqual(await page(2), [[0], 7])
      assert.deepEqual(await page(3), [[], 7])
      assert.deepEqual(await page(0, { includeTotal: false }), [[6, 5, 4], null])
      assert.deepEqual(await page(0, { search: '4.TXT' }), [[4], 1])
      assert.deepEqual(await page(0, { mimetypes: ['text/plain', 'image/png'] }), [[6, 5, 4], 7])
      assert.deepEqual(await page(0, { mimetypes: ['image/png'] }), [[], 0])
      assert.deepEqual(await page(0, { sampleType: ['pretrain'] }), [[], 0])
      assert.deepEqual(await page(0, { source: ['upload'] }), [[6, 5, 4], 7])
    })

    it('has the files of one purpose', async () => {
      const seen: string[] = []
      for await (const { id } of lister.files.list({ purpose: 'vision', order: 'asc', limit: 2 })) seen.push(id)
      assert.deepEqual(
        seen,
        [1, 3, 5].map((index) => ids[index]),
      )
    })

    it('may be emptied while it is walked through', async () => {
      let count = 0
      for await (const { id } of lister.files.list({ limit: 2 })) {
        await lister.files.delete(id)
        count++
      }
      assert.deepEqual([count, (await listed()).data], [7, []])
    })

    for (const [query, param] of [
      ['?limit=0', 'limit'],
      ['?limit=10001', 'limit'],
      ['?limit=many', 'limit'],
      ['?after=nothing', 'after'],
      ['?order=up', 'order'],
      ['?page=-1', 'page'],
      ['?page=0&page_size=0', 'page_size'],
    ] as const) {
      it(`is refused for ${query}`, async () => {
        const { status, code, param: named } = await refusal(await fetch(`${own.url}/v1/files${query}`))
        assert.deepEqual([status, code, named], [400, 'invalid_value', param])
      })
    }
  })

  describe('a form', () => {
    it('may have its fields in front of the file or behind it, and unknown ones', async () => {
      const form = new FormData()
      form.append('file', new Blob([Buffer.from(pdf)], { type: 'application/pdf' }), 'a.pdf')
      for (const [name, value] of [
        ['visibility', 'workspace'],
        ['purpose', 'vision'],
        ['expires_after[anchor]', 'created_at'],
        ['expires_after[seconds]', '3600'],
      ] as const) {
        form.append(name, value)
      }
      const file = fileObject.parse(await (await post(form)).json())
      assert.deepEqual(
        [file.purpose, file.mimetype, file.expires_at - file.created_at],
        ['vision', 'application/pdf', 3600],
      )
    })

    it('may leave out the purpose, and say how long the file is kept', async () => {
      const kept = async (fields: Readonly<Record<string, string>>) => {
        const { purpose, expires_at, created_at } = fileObject.parse(await (await post(formOf(fields))).json())
        return [purpose, expires_at - created_at]
      }
      assert.deepEqual(await kept({}), ['ocr', 86_400])
      assert.deepEqual(await kept({ expiry: '2' }), ['ocr', 7200])
      assert.deepEqual(await kept({ 'expires_after[anchor]': 'created_at' }), ['ocr', 86_400])
      const file = await upload(pdf, 'a.pdf', { expires_after: { anchor: 'created_at', seconds: 2_592_000 } })
      assert.equal(file.expires_at! - file.created_at, 86_400, 'the operator keeps files for a day')
    })

    const refused: Readonly<Record<string, readonly [FormData | string, number, string, string | null]>> = {
      'a purpose that is none': [formOf({ purpose: 'fun' }), 400, 'invalid_value', 'purpose'],
      'too short a life': [
        formOf({ 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '3599' }),
        400,
        'invalid_value',
        'expires_after.seconds',
      ],
      'too long a life': [
        formOf({ 'expires_after[seconds]': '2592001' }),
        400,
        'invalid_value',
        'expires_after.seconds',
      ],
      'a life of no number': [
        formOf({ 'expires_after[seconds]': 'long' }),
        400,
        'invalid_value',
        'expires_after.seconds',
      ],
      'a life in hours that is no number': [formOf({ expiry: 'soon' }), 400, 'invalid_value', 'expiry'],
      'another anchor': [formOf({ 'expires_after[anchor]': 'now' }), 400, 'invalid_value', 'expires_after.anchor'],
      'no file': [(() => { const form = new FormData(); form.append('purpose', 'ocr'); return form })(), 400, 'invalid_value', 'file'], // prettier-ignore
      'an empty file': [formOf({}, Buffer.alloc(0)), 400, 'document_empty', 'file'],
      'two files': [(() => { const form = formOf({}); form.append('file', new Blob(['x']), 'b'); return form })(), 400, 'invalid_value', null], // prettier-ignore
      'a file elsewhere': [(() => { const form = new FormData(); form.append('upload', new Blob(['x']), 'b'); return form })(), 400, 'invalid_value', 'file'], // prettier-ignore
      'no form at all': ['{}', 415, 'unsupported_media_type', null],
    }
    for (const [name, [body, status, code, param]] of Object.entries(refused)) {
      it(`is refused with ${name}, and leaves nothing`, async () => {
        const before = await gateway.services.files.usage()
        const found = await refusal(ask('/v1/files', { method: 'POST', body }))
        assert.deepEqual([found.status, found.code, found.param, found.retry], [status, code, param, 'false'])
        assert.deepEqual(await gateway.services.files.usage(), before)
      })
    }

    it('is refused before any of it is read, where its length is announced as too large', async () => {
      const headers = {
        authorization: 'Bearer key-one',
        'content-type': 'multipart/form-data; boundary=b',
        'content-length': String(513 * 2 ** 20),
        expect: '100-continue',
      }
      const asked = request(`${gateway.url}/v1/files`, { method: 'POST', headers })
      let isAskedForMore = false
      asked.on('continue', () => (isAskedForMore = true)).on('error', () => {})
      asked.flushHeaders()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      assert.deepEqual([response.statusCode, isAskedForMore], [413, false])
      asked.destroy()
    })
  })

  describe('of another key', () => {
    it('is as good as none', async () => {
      const { id } = await upload()
      await assert.rejects(other.files.retrieve(id), { status: 404, code: 'file_not_found' })
      await assert.rejects(other.files.content(id), { status: 404, code: 'file_not_found' })
      await assert.rejects(other.files.delete(id), { status: 404, code: 'file_not_found' })
      assert.deepEqual(
        await refusal(ask(`/v1/files/${id}/url`, {}, 'key-two')).then(({ code }) => code),
        'file_not_found',
      )
      assert.equal((await openai.files.retrieve(id)).id, id)
      const theirs: string[] = []
      for await (const file of other.files.list()) theirs.push(file.id)
      assert.deepEqual(theirs, [])
    })

    it('nothing is found without a key', async () => {
      for (const path of ['/v1/files', '/files', '/files/x/content', '/uploads', '/v1/uploads/x/cancel']) {
        assert.equal((await refusal(fetch(`${gateway.url}${path}`))).code, 'invalid_api_key', path)
      }
    })
  })

  describe('a signed address', () => {
    const sign = async (id: string, query = '') => {
      const { url } = (await (await ask(`/v1/files/${id}/url${query}`)).json()) as { url: string }
      return url
    }

    it('is read without a key, by whoever has it, and names no more than one file', async () => {
      const { id } = await upload()
      const url = await sign(id, '?expiry=1')
      const { origin, pathname, searchParams } = new URL(url)
      assert.equal(origin, gateway.url)
      assert.ok(Math.abs(Number(searchParams.get('expires')) - Date.now() / 1000 - 3600) < 60)
      assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), Buffer.from(pdf))
      assert.equal((await fetch(url.replace('/v1', ''))).status, 200)
      const head = await fetch(url, { method: 'HEAD' })
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(pdf.length)])
      const second = await upload()
      for (const changed of [
        url.replace(id, second.id),
        url.replace(/expires=(\d+)/, 'expires=9999999999'),
        url.slice(0, -2),
        `${gateway.url}${pathname}?signature=x`,
      ]) {
        assert.deepEqual(await refusal(fetch(changed)).then(({ status, code }) => [status, code]), [403, 'forbidden'])
      }
    })

    it('is an address of the gateway as the client knows it', async () => {
      const { id } = await upload()
      const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'ocr.example.com' }
      const { url } = (await (await ask(`/v1/files/${id}/url`, { headers })).json()) as { url: string }
      assert.equal(new URL(url).origin, 'https://ocr.example.com')
      const ocr = await mistral.ocr.process({ model: 'any', document: { type: 'document_url', documentUrl: url } })
      assert.equal(ocr.pages.length, 2, 'known by its path and signature, whatever the host')
      const { content } = await askWhole(other, { parts: [{ type: 'image_url', image_url: { url } }] })
      assert.match(content, /This is page 1\./)
    })

    for (const expiry of ['0', '169', '-1', 'soon', '1.5']) {
      it(`is not made for ${expiry} hours`, async () => {
        const { id } = await upload()
        const found = await refusal(ask(`/v1/files/${id}/url?expiry=${expiry}`))
        assert.deepEqual([found.status, found.code, found.param], [400, 'invalid_value', 'expiry'])
      })
    }

    it('is refused when its time is over, and another one’s is not fetched', async () => {
      const { id } = await upload()
      const { addresses } = gateway.services.files
      const old = `https://files.example.com${await addresses.sign(id, Math.floor(Date.now() / 1000) - 1)}`
      const process = (documentUrl: string) =>
        mistral.ocr.process({ model: 'any', document: { type: 'document_url', documentUrl } })
      await assert.rejects(process(old), /has expired/)
      await assert.rejects(process(old.replace('signature=', 'signature=x')), /url_not_allowed/)
      assert.equal((await refusal(fetch(`${gateway.url}${await addresses.sign(id, 1)}`))).status, 403)
    })
  })
})
