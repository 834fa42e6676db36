import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, mock } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { toFile, type OpenAI } from 'openai'
import { loadConfig } from '../../gateway/config/load.ts'
import { configurationProblems } from '../../gateway/services.ts'
import { startFakeS3, type FakeS3 } from '../fakes/fake-s3.ts'
import { startFakeVllm, type FakeVllm } from '../fakes/fake-vllm.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { makePdf } from '../support/make-pdf.ts'
import { askWhole } from '../support/read-answer.ts'
import { readMetrics, valueOf } from '../support/read-metrics.ts'
import { sendLargeForm, startForm } from '../support/send-form.ts'
import { startTestGateway, type TestGateway } from '../support/start-gateway.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { useAwsKeys } from '../support/use-aws-keys.ts'
import { useFolder } from '../support/use-folder.ts'
import { residentMegabytes, resetPeak } from '../support/watch-process.ts'
import { eventually } from '../support/within.ts'

const MB = 1024 * 1024
const pdf = Buffer.from(makePdf([{ number: 61 }, { number: 62 }]))
const missing = { status: 404, code: 'file_not_found' }
const away = { status: 503, code: 'storage_unavailable' }

/** Where two gateways keep bytes together. */
interface Place {
  readonly settings: Readonly<Record<string, string>>
  /** The names of all bytes. */
  readonly names: () => readonly string[]
  /** Lets time pass since a name was written. */
  readonly age: (name: string) => void
}

function inFolder(): Place {
  const folder = useFolder()
  const content = join(folder.path, 'files/content')
  return {
    settings: { GATEWAY_SHARED_DIR: folder.path },
    names: () => (existsSync(content) ? readdirSync(content).toSorted() : []),
    age: (name) => utimesSync(join(content, name), new Date(0), new Date(0)),
  }
}

const inBucket = (fake: FakeS3): Place => ({
  settings: { GATEWAY_S3_BUCKET: fake.bucket, GATEWAY_S3_ENDPOINT: fake.url, GATEWAY_S3_PREFIX: 'ocr/' },
  names: () => [...fake.objects.keys()].map((key) => key.replace('ocr/files/', '')).toSorted(),
  age: (name) => (fake.objects.get(`ocr/files/${name}`)!.changedAt = new Date(0)),
})

const create = async ({ client }: { readonly client: OpenAI }, bytes: Buffer = pdf, name = 'scan.pdf') =>
  client.files.create({ file: await toFile(bytes, name, { type: 'application/pdf' }), purpose: 'user_data' })
const contentOf = async ({ client }: { readonly client: OpenAI }, id: string) =>
  Buffer.from(await (await client.files.content(id)).arrayBuffer())
const idsOf = async ({ client }: { readonly client: OpenAI }) => (await client.files.list()).data.map(({ id }) => id)
const addressOf = async ({ url }: { readonly url: string }, id: string) =>
  ((await (await fetch(`${url}/v1/files/${id}/url`)).json()) as { url: string }).url

/** An upload that has ended counts for a day, where nothing was flushed. */
const usageOf = async ({ services }: TestGateway) => {
  const { files, bytes } = await services.files.usage()
  return { files, bytes }
}

function suite(name: 'folder' | 'bucket', place: () => Promise<Place>) {
  describe(`two gateways over one Redis and one ${name}`, { timeout: 120_000 }, () => {
    let redis: RedisServer
    let vllm: FakeVllm
    let kept: Place
    let one: TestGateway
    let two: TestGateway
    const start = () =>
      startTestGateway({ GATEWAY_UPSTREAM_URLS: vllm.url, GATEWAY_REDIS_URL: redis.url, ...kept.settings })
    const command = async (...words: [string, ...string[]]) => {
      const client = new Redis(redis.url)
      await client.call(...words)
      client.disconnect()
    }
    const without = (names: readonly string[], ...ids: readonly string[]) =>
      names.filter((each) => each !== 'signing-secret' && !ids.some((id) => each.startsWith(id)))

    before(async () => {
      redis = await startRedis()
      vllm = await startFakeVllm({ models: ['lightonai/LightOnOCR-2-1B'] })
      kept = await place()
      one = await start()
      two = await start()
    })
    after(async () => {
      await one.stop()
      await two.stop()
      await vllm.close()
      await redis.stop()
    })

    it('find, read, list, sign and delete what the other has stored', async () => {
      const file = await create(one)
      assert.deepEqual(await two.client.files.retrieve(file.id), file)
      assert.deepEqual(await idsOf(two), [file.id])
      assert.deepEqual(await contentOf(two, file.id), pdf)
      const address = await addressOf(one, file.id)
      const there = address.replace(one.url, two.url)
      assert.deepEqual(Buffer.from(await (await fetch(there)).arrayBuffer()), pdf)
      const { content, ocr } = await askWhole(two.client, { parts: [{ type: 'file', file: { file_id: file.id } }] })
      assert.match(content, /This is page 61\.[^]*This is page 62\./)
      assert.equal(ocr.document?.sha256, createHash('sha256').update(pdf).digest('hex'))
      assert.equal(valueOf(await readMetrics(two.url), 'ocr_gateway_stored_files'), 1)
      await two.client.files.delete(file.id)
      await assert.rejects(one.client.files.retrieve(file.id), missing)
      await assert.rejects(one.client.files.content(file.id), missing)
      assert.equal((await fetch(there)).status, 404)
      assert.deepEqual(without(kept.names()), [])
    })

    it('take the parts of one upload, and complete it, at either', async () => {
      const upload = await one.client.uploads.create({
        bytes: pdf.length,
        filename: 'large.pdf',
        mime_type: 'application/pdf',
        purpose: 'user_data',
      })
      const add = async ({ client }: TestGateway, bytes: Buffer) =>
        (await client.uploads.parts.create(upload.id, { data: await toFile(bytes, 'upload') })).id
      const part_ids = [await add(two, pdf.subarray(0, 500)), await add(one, pdf.subarray(500))]
      const [done, again] = await Promise.all(
        [two, one].map((each) => each.client.uploads.complete(upload.id, { part_ids })),
      )
      assert.equal(done?.file?.id, again?.file?.id)
      assert.deepEqual(await contentOf(one, done!.file!.id), pdf)
      assert.deepEqual(without(kept.names(), done!.file!.id), [], 'no part is left')
      await one.client.files.delete(done!.file!.id)
    })

    it('lose no file with a Redis that was flushed, and none comes back that was deleted', async () => {
      const [file, other, deleted] = [
        await create(one),
        await create(two, Buffer.from('x'), 'ü.txt'),
        await create(one),
      ]
      await two.client.files.delete(deleted.id)
      const address = await addressOf(one, file.id)
      const used = await usageOf(one)
      await command('FLUSHALL')
      assert.deepEqual(await two.client.files.retrieve(file.id), file, 'at once, by its id')
      assert.deepEqual(await contentOf(one, other.id), Buffer.from('x'))
      await assert.rejects(two.client.files.retrieve(deleted.id), missing)
      await command('FLUSHALL')
      await one.services.files.sweeper.sweep()
      assert.deepEqual((await idsOf(two)).toSorted(), [file.id, other.id].toSorted())
      assert.deepEqual(await usageOf(two), used)
      await using three = await start()
      assert.equal((await fetch(address.replace(one.url, three.url))).status, 200, 'the address is good')
      for (const { id } of [file, other]) await three.client.files.delete(id)
      assert.deepEqual(without(kept.names()), [])
    })

    it('remove bytes that belong to nothing once they are old, and none because Redis has lost their row', async () => {
      const file = await create(one)
      const upload = await one.client.uploads.create({ bytes: 9, filename: 'a', mime_type: 'a/b', purpose: 'vision' })
      const data = await toFile(Buffer.from('x'), 'upload')
      const [part, lost] = [
        await one.client.uploads.parts.create(upload.id, { data }),
        await one.client.uploads.parts.create(upload.id, { data }),
      ]
      await command('DEL', `ocr-gateway:files:F:${file.id}`, `ocr-gateway:files:P:${lost.id}`)
      const all = kept.names()
      await two.services.files.sweeper.sweep()
      assert.deepEqual(kept.names(), all, 'they are young')
      for (const name of kept.names()) kept.age(name)
      await two.services.files.sweeper.sweep()
      assert.deepEqual(
        kept.names(),
        all.filter((each) => each !== lost.id),
      )
      assert.deepEqual(await contentOf(two, file.id), pdf)
      assert.ok(kept.names().includes(part.id))
      await one.client.uploads.cancel(upload.id)
      await one.client.files.delete(file.id)
    })

    it('remove nothing early, where a clock is minutes ahead', async () => {
      const upload = await one.client.uploads.create({ bytes: 9, filename: 'a', mime_type: 'a/b', purpose: 'vision' })
      const part = await one.client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('x'), 'upload') })
      const { owner, file } = { owner: '', file: await create(one) }
      const soon = { ...(await one.services.files.store.find(owner, file.id)), expiresAt: Date.now() / 1000 + 240 }
      const key = `ocr-gateway:files:F:${file.id}`
      await command('SET', key, JSON.stringify({ owner, ...soon }))
      await command('ZADD', 'ocr-gateway:files:expiring', String(soon.expiresAt), file.id)
      const all = kept.names()
      mock.timers.enable({ apis: ['Date'], now: Date.now() + 9 * 60_000 })
      await two.services.files.sweeper.sweep()
      mock.timers.reset()
      assert.deepEqual(kept.names(), all)
      assert.deepEqual(await contentOf(two, file.id), pdf)
      await one.client.files.delete(file.id)
      await one.client.uploads.cancel(upload.id)
      assert.ok(all.includes(part.id))
    })

    // What is said of Redis does not depend on where the bytes are.
    if (name === 'bucket') return
    it('say that Redis is read-only, and keep nothing of a file then', async () => {
      const file = await create(one)
      await command('REPLICAOF', '127.0.0.1', '1')
      await assert.rejects(create(one), away)
      assert.deepEqual(await contentOf(two, file.id), pdf, 'what is there can be read')
      await command('REPLICAOF', 'NO', 'ONE')
      await command('CONFIG', 'SET', 'maxmemory', '1')
      await assert.rejects(create(two), away)
      await command('CONFIG', 'SET', 'maxmemory', '0')
      for (const each of kept.names()) kept.age(each)
      await one.services.files.sweeper.sweep()
      assert.deepEqual(without(kept.names(), file.id), [])
      assert.deepEqual(await idsOf(one), [file.id])
    })

    it('say that Redis is gone, answer the metrics all the same, and go on when it is back', async () => {
      const [file] = (await one.client.files.list()).data
      await redis.kill()
      await Promise.all([
        assert.rejects(create(one), away),
        assert.rejects(one.client.files.retrieve(file!.id), away),
        assert.rejects(two.client.files.list(), away),
        assert.rejects(askWhole(two.client, { parts: [{ type: 'file', file: { file_id: file!.id } }] }), away),
      ])
      assert.ok(Number.isNaN(valueOf(await readMetrics(one.url), 'ocr_gateway_stored_files')))
      await redis.restart()
      assert.deepEqual(await one.client.files.retrieve(file!.id), file)
      const next = await create(two)
      await one.services.files.sweeper.sweep()
      assert.deepEqual((await idsOf(two)).toSorted(), [file!.id, next.id].toSorted())
    })
  })
}

suite('folder', async () => inFolder())

describe('settings of where files are', () => {
  for (const [name, settings, problem] of [
    ['a bucket and a folder', { GATEWAY_S3_BUCKET: 'b', GATEWAY_SHARED_DIR: '/a' }, /both set/],
    ['an address and no bucket', { GATEWAY_S3_ENDPOINT: 'http://a' }, /say which bucket/],
    ['a bucket', { GATEWAY_S3_BUCKET: 'b', GATEWAY_S3_ENDPOINT: 'http://a', GATEWAY_S3_PREFIX: 'a/b.c/' }, null],
  ] as const) {
    it(`${problem === null ? 'may' : 'may not'} be ${name}`, () => {
      const { config, problems } = loadConfig(settings)
      assert.deepEqual(problems, [])
      assert.match(configurationProblems(config!).join(), problem ?? /^$/)
    })
  }

  it('end in a slash where they begin the names in a bucket', () => {
    for (const prefix of ['ocr', '/ocr/', '../', 'a b/'])
      assert.match(loadConfig({ GATEWAY_S3_PREFIX: prefix }).problems.join(), /GATEWAY_S3_PREFIX.*end in a slash/)
  })
})

describe('a gateway that gets a Redis', { timeout: 60_000 }, () => {
  it('has its files and its signed addresses there', async () => {
    await using redis = await startRedis()
    const settings = { GATEWAY_DATA_DIR: useFolder().path }
    const before = await startTestGateway(settings)
    const [file, deleted] = [await create(before), await create(before)]
    const address = await addressOf(before, file.id)
    await before.client.files.delete(deleted.id)
    await before.stop()
    await using gateway = await startTestGateway({ ...settings, GATEWAY_REDIS_URL: redis.url })
    await eventually(async () => (await idsOf(gateway)).length > 0, 20_000, 'the files of before')
    assert.deepEqual(await gateway.client.files.retrieve(file.id), file)
    assert.deepEqual(await contentOf(gateway, file.id), pdf)
    assert.equal((await fetch(address.replace(before.url, gateway.url))).status, 200)
    assert.deepEqual(await idsOf(gateway), [file.id])
    await gateway.client.files.delete(file.id)
    await gateway.services.files.sweeper.sweep()
    assert.deepEqual(await idsOf(gateway), [])
  })

  it('and another folder, has its files when somebody has copied them', async () => {
    await using redis = await startRedis()
    const [old, shared] = [useFolder(), useFolder()]
    const before = await startTestGateway({ GATEWAY_DATA_DIR: old.path })
    const file = await create(before)
    await before.stop()
    const settings = {
      GATEWAY_DATA_DIR: old.path,
      GATEWAY_SHARED_DIR: shared.path,
      GATEWAY_REDIS_URL: redis.url,
    }
    const early = await startTestGateway(settings)
    await early.services.files.sweeper.sweep()
    await assert.rejects(early.client.files.retrieve(file.id), missing)
    await early.stop()
    cpSync(join(old.path, 'files'), join(shared.path, 'files'), { recursive: true })
    await using gateway = await startTestGateway(settings)
    await gateway.services.files.sweeper.sweep()
    assert.deepEqual(await contentOf(gateway, file.id), pdf)
  })

  it('has them still, and from the first moment, where another that knows none of them was started before', async () => {
    await using redis = await startRedis()
    const [old, shared] = [useFolder(), useFolder()]
    const before = await startTestGateway({ GATEWAY_DATA_DIR: old.path })
    const file = await create(before)
    const address = await addressOf(before, file.id)
    await before.stop()
    cpSync(join(old.path, 'files'), join(shared.path, 'files'), { recursive: true })
    // As a copy that keeps the times.
    utimesSync(join(shared.path, 'files/content', file.id), new Date(0), new Date(0))
    const together = { GATEWAY_SHARED_DIR: shared.path, GATEWAY_REDIS_URL: redis.url }
    await using other = await startTestGateway(together)
    const client = new Redis(redis.url)
    await eventually(async () => (await client.exists('ocr-gateway:files:filled')) === 1, 5000, 'the first round')
    client.disconnect()
    await delay(500)
    await using gateway = await startTestGateway({ ...together, GATEWAY_DATA_DIR: old.path })
    assert.equal((await fetch(address.replace(before.url, gateway.url))).status, 200)
    assert.deepEqual(await gateway.client.files.retrieve(file.id), file)
    assert.equal((await fetch(address.replace(before.url, other.url))).status, 200)
    assert.deepEqual(await contentOf(other, file.id), pdf)
  })
})

describe('with a bucket', async () => {
  const fake = await startFakeS3()
  useAwsKeys(fake.credentials)
  after(() => fake[Symbol.asyncDispose]())
  suite('bucket', async () => inBucket(fake))

  it('a gateway without Redis finds its files again when its folder is lost', { timeout: 60_000 }, async () => {
    const { settings } = inBucket(fake)
    const alone = { ...settings, GATEWAY_S3_PREFIX: 'alone/' }
    const first = await startTestGateway(alone)
    const file = await create(first)
    await first.stop()
    await using second = await startTestGateway(alone)
    assert.deepEqual(await second.client.files.retrieve(file.id), file)
    assert.deepEqual(await contentOf(second, file.id), pdf)
  })

  it('answers a file of an upload once what is known of it lies beside its bytes', { timeout: 60_000 }, async () => {
    await using gateway = await startTestGateway({ ...inBucket(fake).settings, GATEWAY_S3_PREFIX: 'facts/' })
    const client = gateway.client.withOptions({ maxRetries: 0 })
    const { id } = await client.uploads.create({
      bytes: pdf.length,
      filename: 'scan.pdf',
      purpose: 'user_data',
      mime_type: 'application/pdf',
    })
    const part = await client.uploads.parts.create(id, { data: await toFile(pdf, 'part') })
    fake.refuse = (asked) => (/^PUT \S+\.json/.test(asked) ? { status: 403, code: 'AccessDenied' } : null)
    await assert.rejects(client.uploads.complete(id, { part_ids: [part.id] }), away)
    fake.refuse = () => null
    const { file } = await client.uploads.complete(id, { part_ids: [part.id] })
    assert.ok(fake.objects.has(`facts/files/${file?.id}.json`))
    await client.files.delete(file!.id)
    const again = await client.uploads.complete(id, { part_ids: [part.id] })
    assert.ok(!again.file)
    assert.ok(!fake.objects.has(`facts/files/${file?.id}.json`))
  })

  it('says that the bucket is away or full, and its operator why', { timeout: 60_000 }, async () => {
    await using gateway = await startTestGateway({ ...inBucket(fake).settings, GATEWAY_S3_PREFIX: 'away/' })
    const file = await create(gateway)
    fake.refuse = () => ({ status: 403, code: 'AccessDenied' })
    await assert.rejects(create(gateway), away)
    await assert.rejects(gateway.client.files.content(file.id), away)
    await assert.rejects(gateway.client.files.delete(file.id), away)
    fake.refuse = (asked) => (asked.startsWith('PUT') ? { status: 507, code: 'XMinioStorageFull' } : null)
    await assert.rejects(create(gateway), { status: 507, code: 'storage_full' })
    fake.refuse = () => null
    assert.deepEqual(await idsOf(gateway), [file.id])
    assert.deepEqual(await contentOf(gateway, file.id), pdf)
    await gateway.client.files.delete(file.id)
    assert.deepEqual(
      [...fake.objects.keys()].filter((key) => key.startsWith('away/')),
      [],
    )
  })

  it('a large upload goes to the bucket, and not to the memory', { timeout: 60_000 }, async () => {
    const { accessKeyId, secretAccessKey } = fake.credentials
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    const settings = {
      ...inBucket(fake).settings,
      ...keys,
      GATEWAY_S3_PREFIX: 'large/',
      GATEWAY_DATA_DIR: useFolder().path,
    }
    await using gateway = await startGatewayProcess(settings)
    const send = (bytes: number) => sendLargeForm(`${gateway.url}/v1/files`, { bytes })
    await send(MB)
    const before = residentMegabytes(gateway)
    resetPeak(gateway)
    const { status, body, sha256 } = await send(150 * MB)
    assert.deepEqual([status, body['sha256']], [200, sha256])
    const grown = residentMegabytes(gateway, 'peak') - before
    assert.ok(grown < 130, `${Math.round(grown)} MB more`)
  })

  it('what a gateway was taking that was killed is aborted by another', { timeout: 60_000 }, async () => {
    const settings = { ...inBucket(fake).settings, GATEWAY_S3_PREFIX: 'killed/' }
    const { accessKeyId, secretAccessKey } = fake.credentials
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: 'r-1' }
    const folder = useFolder()
    const killed = await startGatewayProcess({ ...settings, ...keys, GATEWAY_DATA_DIR: folder.path })
    const asked = startForm(`${killed.url}/v1/files`, { bytes: 100 * MB })
    asked.write(Buffer.alloc(30 * MB))
    const half = () => [...fake.uploads.values()].filter(({ key }) => key.startsWith('killed/'))
    await eventually(() => (half()[0]?.parts.size ?? 0) > 1, 20_000, 'some parts')
    killed.child.kill('SIGKILL')
    await killed.exited
    asked.destroy()
    await using gateway = await startTestGateway(settings)
    await gateway.services.files.sweeper.sweep()
    assert.equal(half().length, 1, 'another may be at it')
    half()[0]!.begunAt = new Date(0)
    await gateway.services.files.sweeper.sweep()
    assert.equal(half().length, 0)
    assert.deepEqual(await idsOf(gateway), [])
  })
})
