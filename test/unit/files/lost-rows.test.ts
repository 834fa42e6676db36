import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileIdOf } from '../../../gateway/batch/names.ts'
import { createDiskBlobs } from '../../../gateway/files/disk-blobs.ts'
import { createFacts, type Facts } from '../../../gateway/files/facts.ts'
import { createFileStore } from '../../../gateway/files/file-store.ts'
import { newId } from '../../../gateway/files/ids.ts'
import { createSqliteTable } from '../../../gateway/files/sqlite-table.ts'
import { createDatabase } from '../../../gateway/store/database.ts'
import { useFolder } from '../../support/use-folder.ts'

async function* oneByte() {
  yield Buffer.from('x')
}
const GIVEN = { filename: 'a.pdf', purpose: 'ocr', mediaType: null, seconds: null }
const OPTIONS = { maxBytes: 1e9, isShared: false, ttlSeconds: 3600 }
const missing = { code: 'file_not_found' }

/** Files whose facts are kept beside their bytes; `change` changes how. */
function openFiles(change: (facts: Facts) => Partial<Facts> = () => ({})) {
  const blobs = createDiskBlobs(useFolder().path, 60_000)
  const own = createFacts(blobs)
  const table = createSqliteTable(createDatabase(useFolder().path))
  const keeping = { table, blobs, facts: { ...own, ...change(own) } }
  return { ...keeping, files: createFileStore(keeping, OPTIONS) }
}
type Files = ReturnType<typeof openFiles>

const add = async ({ files }: Files) => files.keep('key', await files.receive('key', oneByte(), 0), GIVEN)

describe('a file whose row is lost', () => {
  it('is found by its facts, by its owner alone', async () => {
    const opened = openFiles()
    const file = await add(opened)
    await opened.table.forgetFiles([file.id])
    await assert.rejects(opened.files.find('another', file.id), missing)
    assert.equal((await opened.table.stored(null)).files, 0)
    assert.deepEqual(await opened.files.find('key', file.id), file)
    assert.equal((await opened.table.stored('key')).files, 1)
  })

  for (const kind of ['output', 'error'] as const) {
    it(`is found where it is the ${kind} file of a batch`, async () => {
      const opened = openFiles()
      const { files, table } = opened
      const id = fileIdOf({ id: newId('batch_') }, kind)
      const file = await files.keep('key', await files.receive('key', oneByte(), 0, id), GIVEN)
      await table.forgetFiles([id])
      assert.deepEqual(await files.find('key', id), file)
    })
  }

  it('does not come back where it is deleted at the same moment', async () => {
    let gone = async () => {}
    const opened = openFiles((facts) => ({
      async find(id) {
        const found = await facts.find(id)
        await gone()
        return found
      },
    }))
    const file = await add(opened)
    await opened.table.forgetFiles([file.id])
    gone = async () => opened.blobs.remove(opened.facts.namesOf(file.id))
    await assert.rejects(opened.files.find('key', file.id), missing)
    assert.equal((await opened.table.stored(null)).files, 0)
  })

  it('is not found where nobody can understand its facts, or an id leads elsewhere', async () => {
    const opened = openFiles()
    const file = await add(opened)
    await opened.table.forgetFiles([file.id])
    const edited = (change: object) => JSON.stringify({ owner: 'key', file: { ...file, ...change } })
    const numbers = [{ bytes: -5 }, { bytes: 1.5 }, { bytes: 1e308 }, { expiresAt: 1e300 }].map(edited)
    for (const text of ['', '{', '{"owner":"key"}', '[]', edited({ id: newId('file-') }), ...numbers]) {
      await opened.blobs.write(`${file.id}.json`, [Buffer.from(text)])
      await assert.rejects(opened.files.find('key', file.id), missing)
    }
    for (const id of ['../secret', 'file-x', `${file.id}.json`, ''])
      await assert.rejects(opened.files.find('key', id), missing)
  })

  it('is no file where its facts could not be kept', async () => {
    const opened = openFiles(() => ({
      keep: async () => {
        throw new Error('the disk is broken')
      },
    }))
    await assert.rejects(add(opened), /the disk is broken/)
    assert.deepEqual((await Array.fromAsync(opened.blobs.names())).flat(), [])
    assert.equal((await opened.table.stored(null)).items, 0)
  })
})
