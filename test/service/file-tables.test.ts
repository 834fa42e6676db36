import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { FileTable } from '../../gateway/files/file-table.ts'
import { newId } from '../../gateway/files/ids.ts'
import { createRedisTable } from '../../gateway/files/redis-table.ts'
import { createSqliteTable } from '../../gateway/files/sqlite-table.ts'
import type { FileQuery, StoredFile } from '../../gateway/files/stored-file.ts'
import type { Upload } from '../../gateway/files/upload.ts'
import { createDatabase } from '../../gateway/store/database.ts'
import { createSharedRedis } from '../../gateway/store/redis.ts'
import { startRedis, type RedisServer } from '../support/start-redis.ts'
import { useFolder } from '../support/use-folder.ts'

const KB = 1024
const now = () => Math.floor(Date.now() / 1000)
const NO_LIMIT = { all: Infinity, owner: Infinity }
const ALL: FileQuery = {
  after: null,
  offset: 0,
  limit: 100,
  order: 'desc',
  purpose: null,
  search: null,
  mediaTypes: null,
  counts: true,
}

const fileOf = (more: Partial<StoredFile> = {}): StoredFile => ({
  id: newId('file-'),
  bytes: 10 * KB,
  sha256: 'ab',
  filename: 'ä "1".pdf',
  purpose: 'ocr',
  mediaType: null,
  createdAt: now(),
  expiresAt: now() + 1000,
  ...more,
})
const uploadOf = (more: Partial<Upload> = {}): Upload => ({
  id: newId('upload_'),
  bytes: 20 * KB,
  filename: 'b',
  purpose: 'vision',
  mediaType: 'a/b',
  fileSeconds: null,
  status: 'pending',
  fileId: null,
  createdAt: now(),
  expiresAt: now() + 1000,
  ...more,
})
const partOf = (bytes = 10 * KB) => ({ id: newId('part_'), bytes, createdAt: now() })

/** SQLite's rows have no prototype. */
const plain = <T>(value: T): T => structuredClone(value)

/** Opens the same table, as often as it is called. */
type Open = () => FileTable

function suite(name: string, start: () => { readonly open: Open; readonly end: () => Promise<void> }) {
  describe(`what is known of files, in ${name}`, { timeout: 60_000 }, () => {
    let open: Open
    let end: () => Promise<void>
    before(() => ({ open, end } = start()))
    after(() => end())

    it('is found by every gateway, and by its owner alone', async () => {
      const [one, two] = [open(), open()]
      const file = fileOf()
      await one.addFile('me', file, NO_LIMIT)
      await two.addFile('me', file, NO_LIMIT)
      assert.deepEqual(plain(await two.findFile('me', file.id)), file)
      assert.deepEqual(plain(await two.findFile(null, file.id)), file)
      assert.equal(await two.findFile('you', file.id), null)
      assert.equal(await two.findFile('me', newId('file-')), null)
      assert.deepEqual(await two.stored('me'), { items: 1, bytes: 10 * KB, files: 1 })
      assert.equal(await one.removeFile('you', file.id), false)
      assert.equal(await two.removeFile('me', file.id), true)
      assert.equal(await one.removeFile('me', file.id), false)
      assert.equal(await one.findFile(null, file.id), null)
      assert.deepEqual(await one.stored('me'), { items: 0, bytes: 0, files: 0 })
    })

    it('is listed in pages, in both orders, by all that is asked for', async () => {
      const table = open()
      const files = Array.from({ length: 25 }, (_, index) =>
        fileOf({ purpose: index % 5 === 0 ? 'vision' : 'ocr', filename: `Scan ${index}`, mediaType: `a/${index % 2}` }),
      )
      for (const file of files) await table.addFile('list', file, NO_LIMIT)
      await table.addFile('list', fileOf({ expiresAt: now() - 1 }), NO_LIMIT)
      const listed = async (query: Partial<FileQuery>) => {
        const page = await table.listFiles('list', { ...ALL, ...query })
        return [page.files.map(({ id }) => files.findIndex((each) => each.id === id)), page.hasMore, page.total]
      }
      assert.deepEqual(await listed({ limit: 3 }), [[24, 23, 22], true, 25])
      assert.deepEqual(await listed({ limit: 3, offset: 22 }), [[2, 1, 0], false, 25])
      assert.deepEqual(await listed({ offset: 25 }), [[], false, 25])
      assert.deepEqual(await listed({ after: files[20]!.id, limit: 2, order: 'asc', counts: false }), [
        [21, 22],
        true,
        null,
      ])
      assert.deepEqual(await listed({ after: files[2]!.id, counts: false }), [[1, 0], false, null])
      assert.deepEqual(await listed({ purpose: 'vision', limit: 2, offset: 1 }), [[15, 10], true, 5])
      assert.deepEqual(await listed({ search: 'sCAN 2', order: 'asc' }), [[2, 20, 21, 22, 23, 24], false, 6])
      assert.deepEqual(await listed({ mediaTypes: ['a/1', 'b/c'], limit: 1 }), [[23], true, 12])
      assert.deepEqual((await table.listFiles('nobody', ALL)).files, [])
    })

    it('goes on behind a file that was deleted, over several slices', async () => {
      const table = open()
      const files = Array.from({ length: 2500 }, () => fileOf())
      for (const file of files) await table.addFile('many', file, NO_LIMIT)
      await table.removeFile('many', files[1200]!.id)
      const page = await table.listFiles('many', { ...ALL, after: files[1200]!.id, limit: 1100, order: 'asc' })
      assert.deepEqual(plain([page.files.at(0), page.files.at(-1)]), [files[1201], files[2300]])
      assert.deepEqual([page.hasMore, page.total], [true, 1299])
    })

    it('has room to the last byte, whoever asks at the same moment', async () => {
      const tables = [open(), open()]
      const before = (await open().stored(null)).bytes
      const limits = { all: before + 100 * KB, owner: 70 * KB }
      const add = (owner: string, index: number) =>
        tables[index % 2]!.addFile(owner, fileOf(), limits).then(
          () => owner,
          (error: { code: string; message: string }) => {
            assert.equal(error.code, 'storage_full')
            return /one key/.test(error.message) ? 'key full' : 'full'
          },
        )
      const ended = await Promise.all(Array.from({ length: 40 }, (_, index) => add(index < 20 ? 'q1' : 'q2', index)))
      const counts = Object.groupBy(ended, (outcome) => outcome)
      assert.equal((counts['q1']?.length ?? 0) + (counts['q2']?.length ?? 0), 10)
      assert.ok((counts['q1']?.length ?? 0) <= 7 && (counts['q2']?.length ?? 0) <= 7)
      assert.equal((await open().stored(null)).bytes, before + 100 * KB)
    })

    it('counts each thing as what it takes on a disk at least', async () => {
      const table = open()
      const { items, bytes } = await table.stored(null)
      const limits = { all: Math.max(bytes, items * 4096) + 100 * KB, owner: 3 * 4096 }
      await table.addFile('small', fileOf({ bytes: 1 }), limits)
      const upload = uploadOf()
      await table.addUpload('small', upload, limits)
      assert.equal(await table.addPart('small', upload.id, partOf(1), limits), true)
      for (const add of [
        () => table.addFile('small', fileOf({ bytes: 1 }), limits),
        () => table.addUpload('small', uploadOf(), limits),
        () => table.addPart('small', upload.id, partOf(1), limits),
      ])
        await assert.rejects(add(), { code: 'storage_full', message: /one key may take 12288/ })
      await table.addFile('small', fileOf({ bytes: 1 }), null)
    })

    it('makes an upload a file once, and forgets its parts', async () => {
      const [one, two] = [open(), open()]
      const upload = uploadOf()
      await one.addUpload('up', upload, NO_LIMIT)
      assert.deepEqual(plain(await two.findUpload('up', upload.id)), upload)
      assert.equal(await two.findUpload('else', upload.id), null)
      const parts = [partOf(), partOf()]
      for (const part of parts) assert.equal(await two.addPart('up', upload.id, part, NO_LIMIT), true)
      assert.deepEqual(
        plain(await one.partsOf(upload.id)).toSorted((a, b) => a.id.localeCompare(b.id)),
        parts,
      )
      assert.deepEqual(await one.stored('up'), { items: 3, bytes: 20 * KB, files: 0 })
      assert.deepEqual(await one.unowned([parts[0]!.id, 'part_none']), ['part_none'])
      const files = [fileOf({ bytes: 20 * KB }), fileOf({ bytes: 20 * KB })]
      const ended = await Promise.all(
        files.map((file, index) => [one, two][index]!.completeUpload('up', upload.id, file)),
      )
      const winner = ended.findIndex((ids) => ids !== null)
      assert.deepEqual(
        ended[winner]!.toSorted(),
        parts.map(({ id }) => id),
      )
      assert.equal(ended[1 - winner], null)
      assert.deepEqual(plain(await two.findUpload('up', upload.id)), {
        ...upload,
        status: 'completed',
        fileId: files[winner]!.id,
      })
      assert.deepEqual(plain(await one.findFile('up', files[winner]!.id)), files[winner])
      assert.equal(await one.findFile('up', files[1 - winner]!.id), null)
      assert.deepEqual(await one.partsOf(upload.id), [])
      assert.equal(await one.addPart('up', upload.id, partOf(), NO_LIMIT), false)
      assert.deepEqual(await one.cancelUpload(upload.id), [])
      assert.deepEqual(await one.stored('up'), { items: 2, bytes: 20 * KB, files: 1 })
    })

    it('cancels an upload once', async () => {
      const table = open()
      const [upload, part] = [uploadOf(), partOf()]
      await table.addUpload('cancel', upload, NO_LIMIT)
      await table.addPart('cancel', upload.id, part, NO_LIMIT)
      assert.deepEqual(await table.cancelUpload(upload.id), [part.id])
      assert.deepEqual(await table.cancelUpload(upload.id), [])
      assert.equal((await table.findUpload('cancel', upload.id))?.status, 'cancelled')
      assert.equal(await table.completeUpload('cancel', upload.id, fileOf()), null)
    })

    it('finds what nobody can ask for any more, and forgets it', async () => {
      const table = open()
      const old = fileOf({ expiresAt: now() - 5 })
      await table.addFile('sweep', old, NO_LIMIT)
      const [late, part] = [uploadOf({ expiresAt: now() + 2 }), partOf()]
      await table.addUpload('sweep', late, NO_LIMIT)
      await table.addPart('sweep', late.id, part, NO_LIMIT)
      const ancient = uploadOf({ expiresAt: now() - 90_000 })
      await table.addUpload('sweep', ancient, NO_LIMIT)
      assert.equal(await table.findFile('sweep', old.id), null)
      assert.ok((await table.expiredFiles(1000)).includes(old.id))
      await table.forgetFiles([old.id, newId('file-')])
      assert.ok(!(await table.expiredFiles(1000)).includes(old.id))
      await table.giveUp(late.id)
      assert.equal((await table.findUpload('sweep', late.id))?.status, 'pending', 'its time is not over')
      const due = async () => (await table.givenUpUploads(1000)).find(({ id }) => id === late.id)
      for (const until = Date.now() + 10_000; (await due()) === undefined; await delay(50))
        assert.ok(Date.now() < until)
      assert.deepEqual((await due())?.partIds, [part.id])
      assert.equal((await table.findUpload('sweep', late.id))?.status, 'expired')
      assert.equal(await table.addPart('sweep', late.id, partOf(), NO_LIMIT), false)
      await table.giveUp(late.id)
      await table.giveUp(ancient.id)
      assert.equal(await due(), undefined)
      assert.deepEqual(await table.unowned([part.id, old.id]), [part.id, old.id])
      assert.equal(await table.forgetOldUploads(100), true)
      assert.equal(await table.findUpload('sweep', ancient.id), null)
      assert.equal((await table.findUpload('sweep', late.id))?.status, 'expired')
      assert.deepEqual(await table.stored('sweep'), { items: 1, bytes: 0, files: 0 })
    })

    it('makes a secret once, and knows whether it was filled', async () => {
      const [one, two] = [open(), open()]
      const made = await Promise.all(
        [one, two].map((table, index) => table.secret('s', async () => Buffer.from([index]))),
      )
      assert.deepEqual(Buffer.from(made[0]!), Buffer.from(made[1]!))
      assert.equal(await one.isFilled(), false)
      await two.filled()
      assert.equal(await one.isFilled(), true)
    })
  })
}

suite('the embedded database', () => {
  const databases: ReturnType<typeof createDatabase>[] = []
  const folder = useFolder().path
  return {
    open: () => {
      const database = createDatabase(folder)
      databases.push(database)
      return createSqliteTable(database)
    },
    end: async () => databases.forEach((database) => database.close()),
  }
})

describe('with a Redis', async () => {
  const redis: RedisServer = await startRedis()
  after(() => redis.stop())
  const opened: ReturnType<typeof createSharedRedis>[] = []
  const open = () => {
    const shared = createSharedRedis({ url: redis.url })
    opened.push(shared)
    return createRedisTable(shared)
  }
  suite('Redis', () => ({ open, end: async () => void (await Promise.all(opened.map((shared) => shared.close()))) }))

  it('one gateway at a time has a duty', async () => {
    const shared = createSharedRedis({ url: redis.url })
    const [one, two] = [createRedisTable(shared), createRedisTable(shared)]
    assert.deepEqual([await one.claim('d', 1), await two.claim('d', 1), await two.claim('e', 1)], [true, false, true])
    await shared.close()
  })

  it('what was asked twice, because an answer was lost, happens once', async () => {
    const shared = createSharedRedis({ url: redis.url })
    const table = createRedisTable(shared)
    const [upload, part, file] = [uploadOf(), partOf(), fileOf()]
    for (const _ of [1, 2]) await table.addUpload('twice', upload, NO_LIMIT)
    for (const _ of [1, 2]) assert.equal(await table.addPart('twice', upload.id, part, NO_LIMIT), true)
    assert.deepEqual(await table.completeUpload('twice', upload.id, file), [part.id])
    assert.deepEqual(await table.completeUpload('twice', upload.id, file), [], 'the same file')
    assert.deepEqual(await table.stored('twice'), { items: 2, bytes: file.bytes, files: 1 })
    await shared.close()
  })
})
