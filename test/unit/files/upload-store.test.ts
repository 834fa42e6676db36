import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { BlobStore } from '../../../gateway/files/blob-store.ts'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'
import { NO_FACTS } from '../../../gateway/files/facts.ts'
import { createFileStore } from '../../../gateway/files/file-store.ts'
import { createSqliteTable } from '../../../gateway/files/sqlite-table.ts'
import { createUploadStore } from '../../../gateway/files/upload-store.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import { useFolder } from '../../support/use-folder.ts'

const OPTIONS = { maxBytes: 1e9, isShared: false, ttlSeconds: 3600 }
const FACTS = { filename: 'a.pdf', purpose: 'ocr', mediaType: null, seconds: null }
const TEXTS = ['one ', 'two ', 'three']

/** A gateway over a folder; `change` changes how it keeps bytes. */
function openGateway(folder: string, change: (blobs: BlobStore) => Partial<BlobStore> = () => ({})) {
  const database = createDatabase(folder)
  const disk = createDiskBlobs(join(folder, 'files'), 60_000)
  const blobs = { ...disk, ...change(disk) }
  const keeping = { table: createSqliteTable(database), blobs, facts: NO_FACTS }
  const files = createFileStore(keeping, OPTIONS)
  return { files, uploads: createUploadStore(keeping, files, OPTIONS) }
}
type Gateway = ReturnType<typeof openGateway>

async function* piecesOf(text: string) {
  yield Buffer.from(text)
}

async function begin({ uploads }: Gateway) {
  const { upload } = await uploads.create('key', TEXTS.join('').length, FACTS)
  const partIds: string[] = []
  for (const text of TEXTS) {
    const arrival = await uploads.receivePart('key', upload.id, piecesOf(text), 0)
    partIds.push((await uploads.keepPart('key', upload.id, arrival)).id)
  }
  return { id: upload.id, completion: { partIds, md5: null } }
}

const namesIn = (folder: string) => readdirSync(join(folder, 'files/content'))

/** Does something else once, when the second part is to be read. */
const interrupted = (work: () => Promise<unknown>) => (disk: BlobStore) => {
  let opened = 0
  const open: BlobStore['open'] = async (id) => {
    if (++opened === 2) await work()
    return disk.open(id)
  }
  return { open }
}

describe('an upload that is completed', () => {
  it('by another gateway meanwhile is the file that it has become there', async () => {
    const folder = useFolder().path
    const other = openGateway(folder)
    const { id, completion } = await begin(other)
    const elsewhere = () => other.uploads.complete('key', id, completion)
    const slow = openGateway(folder, interrupted(elsewhere))
    const { upload, file } = await slow.uploads.complete('key', id, completion)
    assert.equal(upload.status, 'completed')
    assert.deepEqual(namesIn(folder), [file?.id])
    assert.equal(file?.bytes, TEXTS.join('').length)
  })

  it('and cancelled meanwhile says so, and leaves nothing', async () => {
    const folder = useFolder().path
    const other = openGateway(folder)
    const { id, completion } = await begin(other)
    const slow = openGateway(
      folder,
      interrupted(() => other.uploads.cancel('key', id)),
    )
    await assert.rejects(slow.uploads.complete('key', id, completion), { code: 'invalid_value', message: /cancelled/ })
    assert.deepEqual(namesIn(folder), [])
  })

  it('several times at once is written once', async () => {
    const folder = useFolder().path
    let written = 0
    const gateway = openGateway(folder, (disk) => ({
      write: (...args) => {
        written++
        return disk.write(...args)
      },
    }))
    const { id, completion } = await begin(gateway)
    const wrong = { ...completion, md5: '0'.repeat(32) }
    written = 0
    const [refused, ...done] = await Promise.allSettled(
      [wrong, completion, completion, completion].map((each) => gateway.uploads.complete('key', id, each)),
    )
    assert.equal(refused?.status, 'rejected')
    assert.deepEqual([...new Set(done.map(({ status }) => status))], ['fulfilled'])
    assert.equal(written, 2)
    assert.equal(namesIn(folder).length, 1)
  })

  it('keeps its file even where a part cannot be removed', async () => {
    const folder = useFolder().path
    const before = openGateway(folder)
    const { id, completion } = await begin(before)
    const gateway = openGateway(folder, (disk) => ({
      remove: async (ids) => {
        if (ids.some((each) => each.startsWith('part_'))) throw new Error('The disk is broken.')
        await disk.remove(ids)
      },
    }))
    const { file } = await gateway.uploads.complete('key', id, completion)
    await using open = (await gateway.files.open(file!)).blob
    assert.equal(Buffer.from(await open.read()).toString(), TEXTS.join(''))
  })
})

describe('a database that another process has locked', () => {
  it('is waited for, and nothing else of the process waits', async () => {
    const folder = useFolder().path
    const gateway = openGateway(folder)
    const { id, completion } = await begin(gateway)
    const other = new DatabaseSync(join(folder, 'gateway.db'))
    other.exec('BEGIN IMMEDIATE')
    const delays = monitorEventLoopDelay({ resolution: 5 })
    delays.enable()
    const completed = gateway.uploads.complete('key', id, completion)
    await delay(1000)
    delays.disable()
    other.exec('ROLLBACK')
    other.close()
    assert.equal((await completed).upload.status, 'completed')
    // Longer than SQLite itself waits before it gives up, and far less than it was locked.
    assert.ok(delays.max / 1e6 < 700, `the process stood still for ${delays.max / 1e6} ms`)
  })
})
