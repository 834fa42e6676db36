import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { PageStore } from './page-store.ts'

/**
 * Creates a PageStore on the disk, for a process that reads one set of documents and may be killed: what it has read is found
 * by the next one. Nothing is removed from it; its folder is, when all is read.
 */
export function createDiskStore(folder: string, { maxValueBytes }: { readonly maxValueBytes: number }): PageStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(folder, 'pages.db'), { timeout: 2000 })
  // With a write-ahead log, a process that is killed loses nothing; a machine that loses power loses some pages.
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS pages (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
  )
  const select = database.prepare('SELECT value FROM pages WHERE key = ?')
  const exists = database.prepare('SELECT 1 FROM pages WHERE key = ?')
  const insert = database.prepare('INSERT OR REPLACE INTO pages (key, value) VALUES (?, ?)')
  return {
    get: async (pageKeys) =>
      pageKeys.map((pageKey) =>
        unlessBroken(() => (select.get(pageKey)?.['value'] as string | undefined) ?? null, null),
      ),
    has: async (pageKeys) => pageKeys.map((pageKey) => unlessBroken(() => exists.get(pageKey) !== undefined, false)),
    async set(pageKey, value) {
      if (Buffer.byteLength(value) <= maxValueBytes) unlessBroken(() => insert.run(pageKey, value), null)
    },
    async close() {
      database.close()
    },
  }
}

/** A full disk, or one that fails, makes a miss of every page. */
function unlessBroken<T>(act: () => T, otherwise: T): T {
  try {
    return act()
  } catch {
    return otherwise
  }
}
