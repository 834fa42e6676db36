import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { listFiles } from '../../../gateway/files/sqlite-list.ts'
import { insertFile } from '../../../gateway/files/sqlite-files.ts'
import { openTables } from '../../../gateway/files/sqlite-schema.ts'
import type { FileQuery } from '../../../gateway/files/stored-file.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import { useFolder } from '../../support/use-folder.ts'

const COUNT = 50_000
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
const idOf = (index: number) => `file-${String(index).padStart(6, '0')}`
const later = Math.floor(Date.now() / 1000) + 3600

describe('a long list of files', () => {
  const database = createDatabase(useFolder().path)
  const tables = openTables(database)
  before(() => {
    tables.exec('BEGIN')
    for (let index = 0; index < COUNT; index++) {
      const facts = {
        bytes: 1,
        sha256: '',
        filename: `Scan ${index}`,
        mediaType: 'a/b',
        createdAt: 1,
        expiresAt: later,
      }
      insertFile(tables, 'key', { id: idOf(index), purpose: index % 1000 === 0 ? 'vision' : 'ocr', ...facts })
    }
    tables.exec('COMMIT')
  })
  after(() => database.close())

  /** The indices of the files in a part of the list, its total, and whether there are more. */
  const listed = async (query: Partial<FileQuery>, owner = 'key') => {
    const { files, total, hasMore } = await listFiles(tables, owner, { ...ALL, ...query })
    return [files.map(({ id }) => Number(id.slice('file-'.length))), total, hasMore]
  }
  const from = (start: number, step: number, length: number) => Array.from({ length }, (_, at) => start + at * step)

  it('is whole, wherever a part begins and ends', async () => {
    assert.deepEqual(await listed({ limit: 3 }), [from(COUNT - 1, -1, 3), COUNT, true])
    assert.deepEqual(await listed({ limit: 9000, offset: 1900 }), [from(COUNT - 1901, -1, 9000), COUNT, true])
    assert.deepEqual(await listed({ limit: 9000, offset: COUNT - 5 }), [from(4, -1, 5), COUNT, false])
    assert.deepEqual(await listed({ offset: COUNT + 5 }), [[], COUNT, false])
    const behind = { after: idOf(3500), counts: false, limit: 7000 }
    assert.deepEqual(await listed(behind), [from(3499, -1, 3500), null, false])
    assert.deepEqual(await listed({ ...behind, order: 'asc' }), [from(3501, 1, 7000), null, true])
    assert.deepEqual(await listed({}, 'another key'), [[], 0, false])
  })

  it('has what was searched for, however far it lies apart', async () => {
    const wanted = { purpose: 'vision', limit: 20 }
    assert.deepEqual(await listed(wanted), [from(COUNT - 1000, -1000, 20), 50, true])
    assert.deepEqual(await listed({ ...wanted, offset: 40 }), [from(9000, -1000, 10), 50, false])
    assert.deepEqual(await listed({ ...wanted, order: 'asc', offset: 48 }), [[48_000, 49_000], 50, false])
    assert.deepEqual(await listed({ search: 'SCAN 4999', limit: 20 }), [[...from(49_999, -1, 10), 4999], 11, false])
  })

  it('lets everything else have its turn on the way', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await listed({ search: 'nothing' })
    clearInterval(timer)
    assert.ok(turns > 5, `${turns} turns`)
  })
})
