import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { createDatabase } from '../../../gateway/store/database.ts'

const SCHEMA = 'CREATE TABLE IF NOT EXISTS things (name TEXT) STRICT'
/** Before, each change held all else for five seconds. In milliseconds. */
const HELD = 3000

/** A database that another process has locked. */
function lock() {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const database = createDatabase(folder)
  database.open(SCHEMA)
  const other = new DatabaseSync(join(folder, 'gateway.db'))
  other.exec('BEGIN IMMEDIATE')
  const stop = () => {
    other.close()
    database.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const add = (name: string) => database.open(SCHEMA).prepare('INSERT INTO things VALUES (?)').run(name)
  const names = () => database.open(SCHEMA).prepare('SELECT name FROM things ORDER BY rowid').all()
  return { database, add, names, unlock: () => other.exec('COMMIT'), [Symbol.dispose]: stop }
}

describe('a database', () => {
  it('can be read by nobody else, whatever its folder allows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
    chmodSync(folder, 0o755)
    const database = createDatabase(folder)
    database.open(SCHEMA).exec('INSERT INTO things VALUES (1)')
    assert.deepEqual(
      readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777),
      [0o600, 0o600, 0o600],
    )
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })
})

describe('a database whose disk is full', () => {
  it('is changed when there is room again, where somebody waits for that', async () => {
    using locked = lock()
    locked.unlock()
    const { database, add, names } = locked
    // Of its own size, so that it has no room for a page more.
    database.open(SCHEMA).exec('PRAGMA max_page_count = 1')
    const much = 'a'.repeat(100_000)
    await assert.rejects(
      database.patiently(() => add(much)),
      /full/,
    )
    const added = database.patiently(() => add(much), new AbortController().signal)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(names().length, 0)
    database.open(SCHEMA).exec('PRAGMA max_page_count = 100000')
    await added
    assert.equal(names().length, 1)
  })
})

describe('a database that another process has locked', () => {
  it('is changed when it is free again, and nothing else waits meanwhile', async () => {
    using locked = lock()
    const { database, add, names } = locked
    const startedAt = performance.now()
    const added = Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => database.patiently(() => add(name))),
    )
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(performance.now() - startedAt < HELD)
    locked.unlock()
    await added
    assert.equal(names().length, 8)
  })

  it('is given up when the signal is aborted', async () => {
    using locked = lock()
    const leave = new AbortController()
    const added = locked.database.patiently(() => locked.add('a'), leave.signal)
    leave.abort()
    await assert.rejects(added, /database is locked/)
    locked.unlock()
    assert.deepEqual(locked.names(), [])
  })

  it('is not opened again when it was closed meanwhile', async () => {
    using locked = lock()
    const added = locked.database.patiently(() => locked.add('a'))
    locked.database.close()
    await assert.rejects(added, /was closed/)
  })
})
