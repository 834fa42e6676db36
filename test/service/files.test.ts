import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, statSync, utimesSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { fileObject } from '../../gateway/wire/openai/file.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { makePdf } from '../support/make-pdf.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { readMetrics, valueOf } from '../support/read-metrics.ts'
import { askWhole } from '../support/read-answer.ts'
import { sendLargeForm, startForm } from '../support/send-form.ts'
import { startTestGateway } from '../support/start-gateway.ts'
import { useFolder } from '../support/use-folder.ts'
import { longestHold, residentMegabytes, resetPeak, watched } from '../support/watch-process.ts'
import { eventually } from '../support/within.ts'

const MB = 1024 * 1024
const DEADLINE = 20_000

const namesIn = (dataDir: string, folder: 'content' | 'incoming') => {
  const path = join(dataDir, 'files', folder)
  return existsSync(path) ? readdirSync(path) : []
}
const clientOf = ({ url }: { readonly url: string }, apiKey = 'unused') =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
/** Has the time since something was written pass. */
const makeOld = (path: string) => utimesSync(path, new Date(0), new Date(0))

describe('a large upload', { timeout: 180_000 }, () => {
  const folder = useFolder()
  let gateway: GatewayProcess

  before(async () => {
    const settings = { GATEWAY_DATA_DIR: folder.path, GATEWAY_LOG_LEVEL: 'info' }
    gateway = await startGatewayProcess(settings, watched)
    await sendLargeForm(`${gateway.url}/v1/files`, { bytes: MB })
  })
  after(() => gateway[Symbol.asyncDispose]())

  for (const [megabytes, isAnnounced] of [
    [300, true],
    [150, false],
  ] as const) {
    it(`goes to the disk, and not to the memory, ${isAnnounced ? 'with its length' : 'in chunks'}`, async () => {
      await longestHold(gateway)
      const before = residentMegabytes(gateway)
      resetPeak(gateway)
      const { status, body, sha256 } = await sendLargeForm(`${gateway.url}/v1/files`, {
        bytes: megabytes * MB,
        isAnnounced,
      })
      assert.equal(status, 200, JSON.stringify(body))
      const grown = residentMegabytes(gateway, 'peak') - before
      assert.ok(grown < 100, `${Math.round(grown)} MB more`)
      const held = await longestHold(gateway)
      assert.ok(held < 250, `held for ${held} ms`)
      const file = fileObject.parse(body)
      assert.deepEqual([file.bytes, file.sha256], [megabytes * MB, sha256])
      resetPeak(gateway)
      const content = await clientOf(gateway).files.content(file.id)
      const hash = createHash('sha256')
      for await (const piece of content.body!) hash.update(piece)
      assert.equal(hash.digest('hex'), sha256)
      assert.ok(residentMegabytes(gateway, 'peak') - before < 100)
      await clientOf(gateway).files.delete(file.id)
      assert.equal(namesIn(folder.path, 'content').length, 1)
    })
  }

  it('is logged with its size, and counted; the log has no address that reads it', async () => {
    const [file] = (await clientOf(gateway).files.list()).data
    const { url } = (await (await fetch(`${gateway.url}/v1/files/${file!.id}/url`)).json()) as { url: string }
    for (const path of [url, `${url}x`]) await (await fetch(path)).arrayBuffer()
    const lines = () => gateway.output.stderr.split('\n').filter((text) => text.includes(`${file!.id}/content`))
    await eventually(() => lines().length === 2, DEADLINE, 'the lines of the log')
    assert.doesNotMatch(gateway.output.stderr, /signature|expires=/)
    const line = gateway.output.stderr.split('\n').find((text) => text.includes('"path":"/v1/files"'))
    assert.ok((JSON.parse(line!) as { bytes: number }).bytes > MB)
    const metrics = await readMetrics(gateway.url)
    assert.deepEqual(
      ['stored_files', 'stored_bytes', 'uploaded_bytes_total'].map((name) => valueOf(metrics, `ocr_gateway_${name}`)),
      [1, MB, 451 * MB],
    )
  })
})

describe('an upload that breaks off', { timeout: 120_000 }, () => {
  it('leaves nothing, and another one is not in its way', async () => {
    const folder = useFolder()
    await using gateway = await startGatewayProcess({ GATEWAY_DATA_DIR: folder.path })
    const asked = startForm(`${gateway.url}/v1/files`, { bytes: 100 * MB })
    asked.write(Buffer.alloc(10 * MB))
    const sizes = () =>
      namesIn(folder.path, 'incoming').map((name) => statSync(join(folder.path, 'files/incoming', name)).size)
    await eventually(() => sizes()[0]! > 5 * MB, DEADLINE, 'some megabytes on the disk')
    asked.destroy()
    await eventually(() => sizes().length === 0, DEADLINE, 'the end of what was written')
    assert.deepEqual(namesIn(folder.path, 'content'), [])
    await eventually(() => gateway.output.stderr.includes('client_gone'), DEADLINE, 'its line in the log')
    const { data } = await clientOf(gateway).files.list()
    assert.deepEqual(data, [])
  })

  it('and stands still is given up', async () => {
    const folder = useFolder()
    await using gateway = await startGatewayProcess({ GATEWAY_DATA_DIR: folder.path, GATEWAY_BODY_IDLE_SECONDS: '1' })
    const asked = startForm(`${gateway.url}/v1/files`, { bytes: 100 * MB })
    const answer = await new Promise<number | undefined>((resolve) =>
      asked.on('response', ({ statusCode }) => resolve(statusCode)),
    )
    assert.equal(answer, 408)
    assert.deepEqual(namesIn(folder.path, 'incoming'), [])
    asked.destroy()
  })

  it('because the gateway was killed leaves nothing that is not swept, and what was stored before is whole', async () => {
    const folder = useFolder()
    const settings = { GATEWAY_DATA_DIR: folder.path }
    const first = await startGatewayProcess(settings)
    const kept = await sendLargeForm(`${first.url}/v1/files`, { bytes: 3 * MB })
    const asked = startForm(`${first.url}/v1/files`, { bytes: 100 * MB })
    asked.write(Buffer.alloc(10 * MB))
    const incoming = () => namesIn(folder.path, 'incoming').map((name) => join(folder.path, 'files/incoming', name))
    await eventually(() => incoming().some((path) => statSync(path).size > 5 * MB), DEADLINE, 'some megabytes')
    first.child.kill('SIGKILL')
    await first.exited
    asked.destroy()
    // Renamed, and killed before it was anybody's.
    const orphan = join(folder.path, 'files/content/file-orphan')
    copyFileSync(incoming()[0]!, orphan)
    const young = join(folder.path, 'files/incoming/young')
    copyFileSync(incoming()[0]!, young)
    for (const path of [orphan, ...incoming().filter((each) => each !== young)]) makeOld(path)

    await using second = await startGatewayProcess(settings)
    await eventually(() => incoming().length === 1 && !existsSync(orphan), DEADLINE, 'the sweep')
    assert.deepEqual(incoming(), [young], 'another process may be at it')
    const id = String(kept.body['id'])
    const content = await clientOf(second).files.content(id)
    const bytes = Buffer.from(await content.arrayBuffer())
    assert.equal(createHash('sha256').update(bytes).digest('hex'), kept.sha256)
    const { data } = await clientOf(second).files.list()
    assert.deepEqual(
      data.map((file) => file.id),
      [id],
    )
  })
})

describe('a download', { timeout: 60_000 }, () => {
  it('of which the client takes nothing for a while is ended, and holds no file', async () => {
    const folder = useFolder()
    await using gateway = await startGatewayProcess({ GATEWAY_DATA_DIR: folder.path, GATEWAY_BODY_IDLE_SECONDS: '1' })
    const { body } = await sendLargeForm(`${gateway.url}/v1/files`, { bytes: 60 * MB })
    const openFiles = () =>
      readdirSync(`/proc/${gateway.child.pid}/fd`).filter((fd) => {
        const path = `/proc/${gateway.child.pid}/fd/${fd}`
        return existsSync(path) && readlinkSync(path).includes('/files/content/')
      }).length
    const asked = get(`${gateway.url}/v1/files/${String(body['id'])}/content`)
    asked.on('error', () => {})
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.on('error', () => {})
    assert.equal(openFiles(), 1)
    await eventually(() => openFiles() === 0, DEADLINE, 'the end of the download')
    const closed = new Promise((resolve) => answer.once('close', resolve))
    answer.resume()
    await closed
    assert.equal(answer.complete, false)
  })
})

describe('a disk that is full', { timeout: 60_000 }, () => {
  it('refuses a file, and keeps nothing of it; the client does not try again', async () => {
    const folder = useFolder()
    // The system lets no file of this process grow beyond some megabytes.
    await using gateway = await startGatewayProcess({ GATEWAY_DATA_DIR: folder.path }, [], '-f 8192')
    const small = await sendLargeForm(`${gateway.url}/v1/files`, { bytes: MB })
    assert.equal(small.status, 200)
    const { status, body } = await sendLargeForm(`${gateway.url}/v1/files`, { bytes: 40 * MB })
    assert.deepEqual([status, body['code']], [507, 'storage_full'])
    assert.deepEqual(namesIn(folder.path, 'incoming'), [])
    assert.deepEqual(namesIn(folder.path, 'content'), [small.body['id']])
    const upload = await clientOf(gateway).uploads.create({
      bytes: 12 * MB,
      filename: 'a',
      mime_type: 'application/pdf',
      purpose: 'user_data',
    })
    const parts = []
    for (let count = 0; count < 4; count++) {
      const data = await toFile(Buffer.alloc(3 * MB), 'upload')
      parts.push(await clientOf(gateway).uploads.parts.create(upload.id, { data }))
    }
    const part_ids = parts.map(({ id }) => id)
    await assert.rejects(clientOf(gateway).uploads.complete(upload.id, { part_ids }), { status: 507 })
    assert.equal(namesIn(folder.path, 'content').length, 5, 'the parts are there, to be completed later')
  })
})

describe('a database that cannot be opened', { timeout: 60_000 }, () => {
  it('keeps nobody from reading the metrics', async () => {
    const folder = useFolder()
    for (const name of ['files', 'gateway.db']) mkdirSync(join(folder.path, name))
    await using gateway = await startTestGateway({ GATEWAY_DATA_DIR: folder.path })
    await assert.rejects(gateway.client.files.list(), { status: 500 })
    const metrics = await readMetrics(gateway.url)
    const stored = ['ocr_gateway_stored_files', 'ocr_gateway_stored_bytes']
    assert.deepEqual(
      metrics.filter(({ name }) => stored.includes(name)).map(({ value }) => value),
      [NaN, NaN],
    )
  })
})

describe('two gateways over one folder', { timeout: 60_000 }, () => {
  it('find what the other has stored, and know its addresses', async () => {
    const folder = useFolder()
    const settings = { GATEWAY_DATA_DIR: folder.path }
    await using first = await startTestGateway(settings)
    await using second = await startTestGateway(settings)
    const file = await toFile(Buffer.from('content'), 'a.txt')
    const { id } = await first.client.files.create({ file, purpose: 'user_data' })
    const { url } = (await (await fetch(`${first.url}/v1/files/${id}/url`)).json()) as { url: string }
    assert.equal(await (await second.client.files.content(id)).text(), 'content')
    assert.equal(await (await fetch(url.replace(first.url, second.url))).text(), 'content')
    const upload = await first.client.uploads.create({
      bytes: 4,
      filename: 'b',
      mime_type: 'text/plain',
      purpose: 'vision',
    })
    const add = async ({ client }: { readonly client: OpenAI }, text: string) =>
      (await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(text), 'upload') })).id
    const part_ids = [await add(second, 'ab'), await add(first, 'cd')]
    const done = await second.client.uploads.complete(upload.id, { part_ids })
    assert.equal(await (await first.client.files.content(done.file!.id)).text(), 'abcd')
    const many = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        (index % 2 === 0 ? first : second).client.files.create({ file, purpose: 'user_data' }),
      ),
    )
    assert.equal(new Set(many.map((each) => each.id)).size, 40)
    assert.deepEqual(await first.services.files.usage(), { ...(await second.services.files.usage()), files: 42 })
  })
})

describe('what may be stored', () => {
  const upload = async (client: OpenAI, bytes: number) =>
    client.files.create({ file: await toFile(Buffer.alloc(bytes, 'x'), 'a.pdf'), purpose: 'user_data' })
  const full = { status: 507, code: 'storage_full' }

  it('is bounded, by all keys and by each, and freed by deleting', async () => {
    await using gateway = await startTestGateway({
      GATEWAY_API_KEYS: 'one:key-one,two:key-two',
      GATEWAY_MAX_STORED_BYTES: String(4 * MB),
    })
    const [one, two] = [clientOf(gateway, 'key-one'), clientOf(gateway, 'key-two')]
    const { id } = await upload(one, 2 * MB)
    await assert.rejects(upload(one, MB + 1), { ...full, message: /of one key may take 3145728 bytes/ })
    await upload(one, MB - 1000)
    await upload(two, MB)
    await assert.rejects(upload(two, MB), { ...full, message: /all files together may take 4194304/ })
    await assert.rejects(
      two.uploads.create({ bytes: MB, filename: 'a', mime_type: 'text/plain', purpose: 'vision' }),
      full,
    )
    await one.files.delete(id)
    await upload(two, MB)
    assert.deepEqual((await gateway.services.files.usage()).files, 3)
  })

  it('counts what is on its way', async () => {
    const folder = useFolder()
    await using gateway = await startTestGateway({
      GATEWAY_MAX_STORED_BYTES: String(4 * MB),
      GATEWAY_DATA_DIR: folder.path,
    })
    const asked = startForm(`${gateway.url}/v1/files`, { bytes: 3 * MB })
    asked.write(Buffer.alloc(MB))
    await eventually(() => namesIn(folder.path, 'incoming').length === 1, DEADLINE, 'the first upload')
    await assert.rejects(upload(clientOf(gateway), 2 * MB), full)
    asked.destroy()
    await eventually(() => namesIn(folder.path, 'incoming').length === 0, DEADLINE, 'its end')
    await upload(clientOf(gateway), 2 * MB)
  })
})

describe('a file whose time is over', () => {
  it('is not found, and its bytes are removed', async () => {
    const folder = useFolder()
    await using gateway = await startTestGateway({ GATEWAY_DATA_DIR: folder.path })
    const { files, database } = gateway.services
    const client = clientOf(gateway)
    const create = async () => client.files.create({ file: await toFile(Buffer.from('x'), 'a.pdf'), purpose: 'vision' })
    const [old, young] = [await create(), await create()]
    database.open('').prepare('UPDATE files SET expires_at = created_at - 1 WHERE id = ?').run(old.id)
    await assert.rejects(client.files.retrieve(old.id), { status: 404, code: 'file_not_found' })
    await assert.rejects(client.files.content(old.id), { status: 404 })
    await assert.rejects(client.files.delete(old.id), { status: 404 })
    assert.deepEqual((await client.files.list()).data, [young])
    await files.sweeper.sweep()
    assert.deepEqual(namesIn(folder.path, 'content'), [young.id])
    assert.deepEqual((await files.usage()).files, 1)
  })

  it('and an upload that was given up, take their bytes with them', async () => {
    const folder = useFolder()
    await using gateway = await startTestGateway({ GATEWAY_DATA_DIR: folder.path })
    const { files, database } = gateway.services
    const client = clientOf(gateway)
    const upload = await client.uploads.create({ bytes: 9, filename: 'a', mime_type: 'a/b', purpose: 'vision' })
    const data = await toFile(Buffer.from('x'), 'upload')
    const part = await client.uploads.parts.create(upload.id, { data })
    await files.sweeper.sweep()
    assert.deepEqual(namesIn(folder.path, 'content'), [part.id])
    database.open('').exec('UPDATE uploads SET expires_at = created_at - 1')
    await assert.rejects(client.uploads.parts.create(upload.id, { data }), { status: 400, message: /is expired/ })
    await files.sweeper.sweep()
    assert.deepEqual(namesIn(folder.path, 'content'), [])
    assert.equal((await files.usage()).bytes, 0)
  })
})

describe('a file that is deleted while it is in use', { timeout: 60_000 }, () => {
  let fake: FakeVllm
  before(async () => {
    fake = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B'] })
  })
  after(() => fake.close())

  it('is read to its end, as a document and as it is', async () => {
    const folder = useFolder()
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_DATA_DIR: folder.path,
      GATEWAY_LOOKAHEAD: '1',
      GATEWAY_RASTERIZE_THREADS: '2',
    })
    const client = clientOf(gateway)
    const pdf = Buffer.from(makePdf(Array.from({ length: 12 }, (_, index) => ({ number: 100 + index }))))
    const large = Buffer.concat([pdf, Buffer.alloc(20 * MB)])
    const { id } = await client.files.create({ file: await toFile(large, 'a.pdf'), purpose: 'user_data' })
    const content = (await client.files.content(id)).body!.getReader()
    let read = (await content.read()).value!.length
    const stream = await client.chat.completions.create({
      model: 'default',
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: id } }] }],
    })
    let text = ''
    let isDeleted = false
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      if (isDeleted) continue
      await client.files.delete(id)
      isDeleted = true
    }
    for (let page = 100; page < 112; page++) assert.match(text, new RegExp(`This is page ${page}\\.`))
    for (let next = await content.read(); !next.done; next = await content.read()) read += next.value.length
    assert.equal(read, large.length)
    await assert.rejects(askWhole(client, { parts: [{ type: 'file', file: { file_id: id } }] }), {
      status: 404,
      code: 'file_not_found',
    })
    assert.deepEqual(namesIn(folder.path, 'content'), [])
  })

  it('is refused before it is read where it is too large for a document', async () => {
    await using gateway = await startTestGateway({
      GATEWAY_UPSTREAM_URLS: fake.url,
      GATEWAY_MAX_DOCUMENT_BYTES: '1000',
    })
    const file = await toFile(Buffer.alloc(1001), 'a.pdf')
    const { id } = await gateway.client.files.create({ file, purpose: 'user_data' })
    await assert.rejects(askWhole(gateway.client, { parts: [{ type: 'file', file: { file_id: id } }] }), {
      status: 413,
      code: 'document_too_large',
      param: 'messages[0].content[0].file.file_id',
    })
  })
})
