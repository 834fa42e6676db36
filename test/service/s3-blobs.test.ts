import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { readAll, type BlobStore } from '../../gateway/files/blob-store.ts'
import { createS3Blobs } from '../../gateway/files/s3-blobs.ts'
import { startFakeS3, type FakeS3 } from '../fakes/fake-s3.ts'
import { useAwsKeys } from '../support/use-aws-keys.ts'
import { useFolder } from '../support/use-folder.ts'

const MB = 1024 * 1024

async function* pieces(...texts: readonly (string | Buffer)[]) {
  for (const text of texts) yield Buffer.from(text)
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

it('the library of S3 is loaded where a bucket is used, and nowhere else', () => {
  const root = join(import.meta.dirname, '../../gateway')
  const loads = globSync('**/*.ts', { cwd: root }).filter((path) =>
    /^import (?!type )[^;]*?'@aws-sdk/m.test(readFileSync(join(root, path), 'utf8')),
  )
  assert.deepEqual(loads, [])
})

describe('a bucket of bytes', { timeout: 90_000 }, () => {
  const folder = useFolder()
  let fake: FakeS3
  let blobs: BlobStore
  before(async () => {
    fake = await startFakeS3({ pageSize: 3 })
    useAwsKeys(fake.credentials)
    blobs = createS3Blobs({
      name: fake.bucket,
      endpoint: fake.url,
      prefix: 'ocr/files/',
      temporary: join(folder.path, 'fetched'),
      abandonedAfterMs: 3_600_000,
    })
  })
  after(() => fake[Symbol.asyncDispose]())
  beforeEach(() => {
    fake.refuse = () => null
    fake.objects.clear()
    fake.asked.length = 0
  })
  const listed = async () => (await Array.fromAsync(blobs.names())).flat().toSorted()

  it('gives back what was written, its beginning, and its hash', async () => {
    const written = await blobs.write('file-b', pieces('one ', 'two ', '', 'three'))
    assert.deepEqual(written, { bytes: 13, sha256: sha256(Buffer.from('one two three')) })
    await using blob = await blobs.open('file-b')
    assert.equal(blob?.length, 13)
    assert.equal(Buffer.from(await blob.read(5)).toString(), 'one t')
    assert.equal(Buffer.from(await blob.read(3, 4)).toString(), 'two')
    assert.equal(Buffer.from(await blob.read()).toString(), 'one two three')
    assert.equal(await blobs.open('file-none'), null)
    assert.deepEqual([...fake.objects.keys()], ['ocr/files/file-b'])
  })

  it('takes what is large in parts, and keeps a document on the disk while it is read, and no longer', async () => {
    const large = randomBytes(21 * MB)
    const written = await blobs.write('file-l', [large.subarray(0, MB), large.subarray(MB)])
    assert.deepEqual(written, { bytes: large.length, sha256: sha256(large) })
    assert.equal(fake.asked.filter((asked) => asked.includes('partNumber=')).length, 5)
    assert.equal(fake.uploads.size, 0)
    const [read, streamed] = [await blobs.open('file-l'), await blobs.open('file-l')]
    await blobs.remove(['file-l'])
    fake.asked.length = 0
    assert.deepEqual(Buffer.from(await read!.read(100, 5 * MB)), large.subarray(5 * MB, 5 * MB + 100))
    assert.deepEqual(sha256(await read!.read()), written.sha256)
    assert.deepEqual(fake.asked, [], 'it was fetched once')
    assert.deepEqual(readdirSync(join(folder.path, 'fetched')), [])
    await read![Symbol.asyncDispose]()
    const hash = createHash('sha256')
    for await (const piece of streamed!.stream()) hash.update(piece as Buffer)
    assert.equal(hash.digest('hex'), written.sha256)
  })

  it('lets go of what nobody reads to its end', async () => {
    await blobs.write('file-l', [randomBytes(9 * MB)])
    for (let count = 0; count < 20; count++) {
      await using blob = await blobs.open('file-l')
      if (count % 2 === 0) for await (const _ of blob!.stream()) break
    }
    assert.equal((await readAll(blobs, 'file-l'))?.length, 9 * MB)
  })

  it('holds nothing of what breaks off, or is refused on the way', async () => {
    async function* broken() {
      yield randomBytes(9 * MB)
      throw new Error('the client is gone')
    }
    await assert.rejects(blobs.write('file-d', broken()), /the client is gone/)
    const admit = async (bytes: number) => {
      if (bytes > 9 * MB) throw new Error('no room')
    }
    await assert.rejects(blobs.write('file-d', pieces(randomBytes(9 * MB), 'x'), admit), /no room/)
    assert.deepEqual([fake.objects.size, fake.uploads.size], [0, 0])
  })

  it('lists and removes names, page after page', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `file-${index}`)
    for (const name of names) await blobs.write(name, pieces(name))
    assert.deepEqual(await listed(), names)
    await blobs.remove([...names.slice(1), 'file-none'])
    await blobs.remove([])
    assert.deepEqual(await listed(), ['file-0'])
  })

  it('says when a name was last written', async () => {
    await blobs.write('file-t', pieces('x'))
    fake.objects.get('ocr/files/file-t')!.changedAt = new Date(5000)
    assert.deepEqual([await blobs.changedAt('file-t'), await blobs.changedAt('file-none')], [5000, null])
  })

  it('is swept of uploads that were begun long ago, and of nothing else', async () => {
    await blobs.write('file-kept', pieces('x'))
    const begun = (key: string, ms: number) => ({
      key,
      parts: new Map(),
      hasSums: false,
      begunAt: new Date(Date.now() - ms),
    })
    fake.uploads.set('old', begun('ocr/files/a', 4_000_000))
    fake.uploads.set('young', begun('ocr/files/b', 1_000_000))
    fake.uploads.set('another', begun('elsewhere/c', 4_000_000))
    await blobs.sweep()
    assert.deepEqual([...fake.uploads.keys()], ['young', 'another'])
    assert.deepEqual(await listed(), ['file-kept'])
    fake.uploads.clear()
  })

  it('is tried again where the storage says so', async () => {
    let tries = 0
    fake.refuse = () => (++tries <= 2 ? { status: 503, code: 'SlowDown' } : null)
    await blobs.write('file-a', pieces('x'))
    assert.equal(tries, 3)
  })

  for (const [status, code, expected] of [
    [500, 'InternalError', 'storage_unavailable'],
    [403, 'AccessDenied', 'storage_unavailable'],
    [404, 'NoSuchBucket', 'storage_unavailable'],
    [507, 'XMinioStorageFull', 'storage_full'],
    [403, 'QuotaExceeded', 'storage_full'],
  ] as const) {
    it(`says ${expected} where the storage says ${code}, and the log what that was`, async () => {
      await blobs.write('file-a', pieces('x'))
      fake.refuse = () => ({ status, code })
      const refused = (error: { code: string; message: string; cause: Error }) => {
        assert.equal(error.code, expected)
        assert.match(error.cause.message, new RegExp(`${code === 'InternalError' ? '' : code}.*${status}`))
        assert.doesNotMatch(error.cause.message, /Signature|AKIA/)
        return true
      }
      await assert.rejects(blobs.write('file-b', pieces('x')), refused)
      if (expected === 'storage_full') return
      for (const work of [
        () => blobs.open('file-a'),
        () => blobs.remove(['file-a']),
        () => blobs.remove(['a', 'b', 'c', 'd']),
        () => Array.fromAsync(blobs.names()),
      ])
        await assert.rejects(work, refused)
    })
  }

  it('says storage_unavailable where nobody answers there, or a key is wrong', async () => {
    const nobody = createS3Blobs({
      name: 'b',
      endpoint: 'http://127.0.0.1:1',
      prefix: '',
      temporary: folder.path,
      abandonedAfterMs: 1,
    })
    await assert.rejects(nobody.open('a'), { code: 'storage_unavailable' })
    useAwsKeys({ ...fake.credentials, secretAccessKey: 'wrong' })
    const options = { name: fake.bucket, endpoint: fake.url, prefix: '', temporary: folder.path, abandonedAfterMs: 1 }
    await assert.rejects(createS3Blobs(options).open('a'), (error: { code: string; cause: Error }) => {
      assert.equal(error.code, 'storage_unavailable')
      assert.match(error.cause.message, /SignatureDoesNotMatch/)
      return true
    })
    assert.equal(existsSync(join(folder.path, 'content')), false)
  })
})
