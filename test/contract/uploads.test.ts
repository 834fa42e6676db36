import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { unitedErrorBody } from '../../gateway/wire/mistral/errors.ts'
import { fileObject } from '../../gateway/wire/openai/file.ts'
import { uploadObject, uploadPart } from '../../gateway/wire/openai/upload.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'

const pdf = Buffer.from(makePdf([{ number: 41 }, { number: 42 }]))
const hashOf = (algorithm: 'md5' | 'sha256', bytes: Uint8Array = pdf) =>
  createHash(algorithm).update(bytes).digest('hex')
/** A third each, and what is left. */
const pieces = [0, 1, 2].map((index) => pdf.subarray((index * pdf.length) / 3, ((index + 1) * pdf.length) / 3))

describe('/v1/uploads', () => {
  const folder = useFolder()
  let fake: FakeVllm
  let gateway: TestGateway
  let openai: OpenAI
  let other: OpenAI

  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B'] })
    gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_API_KEYS: 'one:key-one,two:key-two',
      GATEWAY_DATA_DIR: folder.path,
    })
    const client = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 })
    openai = client('key-one')
    other = client('key-two')
  })
  after(async () => {
    await gateway.stop()
    await fake.close()
  })

  const stored = () => readdirSync(join(folder.path, 'files/content')).toSorted()
  const begin = async (more: object = {}) =>
    openai.uploads.create({
      bytes: pdf.length,
      filename: 'large.pdf',
      mime_type: 'application/pdf',
      purpose: 'user_data',
      ...more,
    })
  const add = async (uploadId: string, bytes: Uint8Array) =>
    openai.uploads.parts.create(uploadId, { data: await toFile(bytes, 'upload') })
  const code = { status: 400, code: 'invalid_value' }

  it('make one file of parts that come in any order, side by side', async () => {
    const upload = uploadObject.parse(await begin())
    assert.deepEqual(
      [upload.status, upload.bytes, upload.filename, upload.purpose, upload.file],
      ['pending', pdf.length, 'large.pdf', 'user_data', null],
    )
    assert.equal(upload.expires_at - upload.created_at, 3600)
    const parts = await Promise.all(pieces.toReversed().map((bytes) => add(upload.id, bytes)))
    for (const part of parts) assert.equal(uploadPart.parse(part).upload_id, upload.id)
    const part_ids = parts.map(({ id }) => id).toReversed()
    const done = uploadObject.parse(await openai.uploads.complete(upload.id, { part_ids, md5: hashOf('md5') }))
    assert.deepEqual([done.id, done.status], [upload.id, 'completed'])
    const file = fileObject.parse(done.file)
    assert.deepEqual(
      [file.bytes, file.sha256, file.filename, file.mimetype],
      [pdf.length, hashOf('sha256'), 'large.pdf', 'application/pdf'],
    )
    const content = await openai.files.content(file.id)
    assert.deepEqual(Buffer.from(await content.arrayBuffer()), pdf)
    const { content: text, ocr } = await askWhole(openai, { parts: [{ type: 'file', file: { file_id: file.id } }] })
    assert.match(text, /This is page 41\.[^]*This is page 42\./)
    assert.equal(ocr.document?.sha256, hashOf('sha256'))
    assert.deepEqual(stored(), [file.id], 'the parts are gone')
    const again = await openai.uploads.complete(upload.id, { part_ids })
    assert.deepEqual(again, done, 'who lost the answer asks again')
  })

  it('keep the file for as long as its creation asked for', async () => {
    const { id, filename } = await begin({
      expires_after: { anchor: 'created_at', seconds: 7200 },
      filename: '../folder\\a\nb.pdf',
    })
    assert.equal(filename, 'a b.pdf')
    const { id: partId } = await add(id, pdf)
    const { file } = await openai.uploads.complete(id, { part_ids: [partId] })
    assert.equal(file!.expires_at! - file!.created_at, 7200)
  })

  it('are completed only with all bytes, in parts that they have, and with the right MD5', async () => {
    const { id } = await begin()
    const parts = [await add(id, pieces[0]!), await add(id, pieces[1]!), await add(id, pieces[2]!)]
    const [first, second, third] = parts.map((part) => part.id) as [string, string, string]
    const complete = (part_ids: string[], md5?: string) =>
      openai.uploads.complete(id, { part_ids, ...(md5 === undefined ? {} : { md5 }) })
    await assert.rejects(complete([first, second]), { ...code, param: 'part_ids', message: /created for/ })
    await assert.rejects(complete([first, second, 'part_x']), { ...code, param: 'part_ids[2]' })
    await assert.rejects(complete([first, second, second]), { ...code, param: 'part_ids[2]', message: /twice/ })
    await assert.rejects(complete([]), { ...code, param: 'part_ids' })
    await assert.rejects(complete([second, first, third], hashOf('md5')), { ...code, param: 'md5' })
    await assert.rejects(complete([first], 'nonsense'), { ...code, param: 'md5' })
    const { status } = await complete([first, second, third], hashOf('md5').toUpperCase())
    assert.equal(status, 'completed')
  })

  it('are cancelled with an empty body that is called JSON, and leave nothing', async () => {
    const before = stored()
    const { id } = await begin()
    await add(id, pieces[0]!)
    assert.equal(stored().length, before.length + 1)
    const cancelled = await fetch(`${gateway.url}/uploads/${id}/cancel`, {
      method: 'POST',
      headers: { authorization: 'Bearer key-one', 'content-type': 'application/json' },
    })
    assert.equal(uploadObject.parse(await cancelled.json()).status, 'cancelled')
    assert.deepEqual(stored(), before)
    assert.equal((await openai.uploads.cancel(id)).status, 'cancelled', 'as often as somebody asks')
    await assert.rejects(add(id, pieces[1]!), { ...code, param: 'upload_id', message: /is cancelled/ })
    await assert.rejects(openai.uploads.complete(id, { part_ids: ['part_x'] }), { ...code, message: /is cancelled/ })
    assert.deepEqual(stored(), before)
  })

  it('take no more parts when they are completed, and are not cancelled then', async () => {
    const { id } = await begin()
    const { id: partId } = await add(id, pdf)
    await openai.uploads.complete(id, { part_ids: [partId] })
    await assert.rejects(add(id, pieces[0]!), { ...code, message: /is completed/ })
    await assert.rejects(openai.uploads.cancel(id), { ...code, message: /is completed/ })
  })

  it('become one file, however often they are completed at the same time', async () => {
    const before = stored()
    const { id } = await begin()
    const { id: partId } = await add(id, pdf)
    const done = await Promise.all([1, 2, 3].map(() => openai.uploads.complete(id, { part_ids: [partId] })))
    const ids = new Set(done.map(({ file }) => file?.id))
    assert.equal(ids.size, 1)
    assert.equal(stored().length, before.length + 1)
  })

  it('of another key are as good as none', async () => {
    const { id } = await begin()
    const data = await toFile(pdf, 'upload')
    const missing = { status: 404, code: 'file_not_found', param: 'upload_id' }
    await assert.rejects(other.uploads.parts.create(id, { data }), missing)
    await assert.rejects(other.uploads.complete(id, { part_ids: ['part_x'] }), missing)
    await assert.rejects(other.uploads.cancel(id), missing)
    await openai.uploads.cancel(id)
  })

  for (const [name, more, status, param] of [
    ['more than a file may have', { bytes: 513 * 2 ** 20 }, 413, 'bytes'],
    ['no bytes', { bytes: 0 }, 400, 'bytes'],
    ['half a byte', { bytes: 0.5 }, 400, 'bytes'],
    ['no name', { filename: '' }, 400, 'filename'],
    ['an unknown purpose', { purpose: 'fun' }, 400, 'purpose'],
    ['too short a life', { expires_after: { anchor: 'created_at', seconds: 5 } }, 400, 'expires_after.seconds'],
  ] as const) {
    it(`are refused with ${name}`, async () => {
      await assert.rejects(begin(more), { status, param })
    })
  }

  for (const [name, id, length, expected] of [
    ['of an upload that is not there', 'upload_x', 1000, [404, 'file_not_found']],
    ['that is announced as too large', null, 65 * 2 ** 20, [413, 'document_too_large']],
  ] as const) {
    it(`refuse a part ${name} before it is sent`, async () => {
      const asked = request(`${gateway.url}/v1/uploads/${id ?? (await begin()).id}/parts`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer key-one',
          'content-type': 'multipart/form-data; boundary=b',
          'content-length': length,
          expect: '100-continue',
        },
      })
      let isAskedForMore = false
      asked.on('continue', () => (isAskedForMore = true)).on('error', () => {})
      asked.flushHeaders()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      const { code } = unitedErrorBody.parse(JSON.parse((await response.toArray()).join('')))
      assert.deepEqual([[response.statusCode, code], isAskedForMore], [expected, false])
      asked.destroy()
    })
  }

  const head = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`
  const tail = 'x\r\n--b--\r\n'
  for (const [name, start, end] of [
    ['a part', head('data'), tail],
    ['a form around a part', `${head('data')}${tail}`, ''],
    ['a form without a part', head('comment'), tail],
  ] as const) {
    it(`refuse ${name} that is too large, and nothing of it is left`, { timeout: 60_000 }, async () => {
      const before = stored()
      const { id } = await begin({ bytes: 2 ** 27 })
      const block = Buffer.alloc(2 ** 20)
      async function* form() {
        yield Buffer.from(start)
        for (let count = 0; count < 65; count++) yield block
        yield Buffer.from(end)
      }
      const response = await fetch(`${gateway.url}/v1/uploads/${id}/parts`, {
        method: 'POST',
        headers: { authorization: 'Bearer key-one', 'content-type': 'multipart/form-data; boundary=b' },
        body: ReadableStream.from(form()),
        duplex: 'half',
      })
      const refused = unitedErrorBody.parse(await response.json())
      assert.deepEqual([response.status, refused.code, refused.param], [413, 'document_too_large', 'data'])
      assert.deepEqual(stored(), before)
      assert.deepEqual(readdirSync(join(folder.path, 'files/incoming')), [])
    })
  }
})
