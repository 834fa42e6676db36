import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'
import { NO_FACTS } from '../../../gateway/files/facts.ts'
import { createFileStore } from '../../../gateway/files/file-store.ts'
import { createSqliteTable } from '../../../gateway/files/sqlite-table.ts'
import { startSweeper } from '../../../gateway/files/sweeper.ts'
import { createUploadStore } from '../../../gateway/files/upload-store.ts'
import { createDatabase, type Database } from '../../../gateway/store/database.ts'
import { useFolder } from '../../support/use-folder.ts'

const FACTS = { filename: 'a.pdf', purpose: 'ocr', mediaType: null, seconds: null }
const rethrow = (error: unknown) => {
  throw error
}

async function* oneByte() {
  yield Buffer.from('x')
}

/** A database on a disk that is full as long as it holds files: it can be read, and takes no change. */
function onFullDisk(database: Database, namesIn: () => readonly string[]): Database {
  const isFull = { errcode: 13 }
  const prepare = (real: DatabaseSync, sql: string) => {
    if (sql.startsWith('SELECT') || namesIn().length === 0) return real.prepare(sql)
    const full = () => rethrow(Object.assign(new Error('database or disk is full'), isFull))
    return { run: full, all: full, get: full }
  }
  return {
    ...database,
    open: (schema) =>
      new Proxy(database.open(schema), {
        get(real, name) {
          if (name === 'prepare') return (sql: string) => prepare(real, sql)
          const value: unknown = Reflect.get(real, name, real)
          return typeof value === 'function' ? value.bind(real) : value
        },
      }),
  }
}

function openGateway(maxBytes = 1e9) {
  const folder = useFolder().path
  const database = createDatabase(folder)
  const blobs = createDiskBlobs(join(folder, 'files'), 60_000)
  const options = { maxBytes, isShared: false, ttlSeconds: 3600 }
  const namesIn = () => readdirSync(join(folder, 'files/content'))
  const over = (each: Database) => {
    const keeping = { table: createSqliteTable(each), blobs, facts: NO_FACTS }
    const files = createFileStore(keeping, options)
    return {
      files,
      uploads: createUploadStore(keeping, files, options),
      sweeper: startSweeper(keeping, {
        isUsed: () => true,
        prepare: async () => {},
        staleAfterMs: 60_000,
        onError: rethrow,
      }),
    }
  }
  return { folder, namesIn, tables: database.open(''), ...over(database), full: over(onFullDisk(database, namesIn)) }
}
type Gateway = ReturnType<typeof openGateway>

async function addFile({ files }: Gateway) {
  return files.keep('key', await files.receive('key', oneByte(), 0), FACTS)
}

describe('on a disk that is full', () => {
  it('a file is deleted', async () => {
    const gateway = openGateway()
    const { id } = await addFile(gateway)
    await assert.rejects(gateway.full.files.remove('another key', id), { code: 'file_not_found' })
    assert.deepEqual(gateway.namesIn(), [id])
    await gateway.full.files.remove('key', id)
    assert.deepEqual(gateway.namesIn(), [])
    await assert.rejects(gateway.files.find('key', id), { code: 'file_not_found' })
  })

  it('what nobody can ask for any more makes room', async () => {
    const gateway = openGateway()
    await addFile(gateway)
    gateway.tables.exec('UPDATE files SET expires_at = 1')
    await gateway.full.sweeper.sweep()
    assert.deepEqual(gateway.namesIn(), [])
    const { upload } = await gateway.uploads.create('key', 1, FACTS)
    await gateway.uploads.keepPart('key', upload.id, await gateway.uploads.receivePart('key', upload.id, oneByte(), 0))
    assert.equal(gateway.namesIn().length, 1)
    gateway.tables.exec('UPDATE uploads SET expires_at = 1')
    await gateway.full.sweeper.sweep()
    assert.deepEqual(gateway.namesIn(), [])
    assert.deepEqual(await gateway.files.usage(), { items: 0, files: 0, bytes: 0 })
  })
})

describe('uploads', () => {
  it('count as files, until nobody asks for them any more', async () => {
    const gateway = openGateway(4 * 4096)
    const begin = () => gateway.uploads.create('key', 1, FACTS)
    for (let count = 0; count < 4; count++) await gateway.uploads.cancel('key', (await begin()).upload.id)
    await assert.rejects(begin(), { code: 'storage_full' })
    gateway.tables.exec('UPDATE uploads SET expires_at = 1')
    await gateway.sweeper.sweep()
    await begin()
  })
})

describe('a file that cannot be removed', () => {
  it('keeps no other one from being forgotten', async () => {
    const gateway = openGateway()
    const [first, second] = [await addFile(gateway), await addFile(gateway)]
    await gateway.files.remove('key', first.id)
    gateway.tables.exec('UPDATE files SET expires_at = 1')
    // Node removes no folder as a file.
    const path = join(gateway.folder, 'files/content', second.id)
    await createDiskBlobs(join(gateway.folder, 'files'), 60_000).remove([second.id])
    mkdirSync(path)
    writeFileSync(join(path, 'x'), '')
    await assert.rejects(gateway.sweeper.sweep())
    assert.equal((await gateway.files.usage()).files, 0)
  })
})
