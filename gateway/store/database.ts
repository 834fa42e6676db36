import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The embedded database of what must survive a restart. Nothing is written to disk before it is first used. */
export interface Database {
  /** Opens it, and creates the tables of a wing where they are missing; `schema` is SQL that may run twice. */
  open(schema: string): DatabaseSync
  /** Tells whether there is one, opened or not. */
  exists(): boolean
  close(): void
}

/** Others may write at the same moment: another process of the gateway over the same folder. In milliseconds. */
const BUSY_TIMEOUT = 5000

/** Creates the database in a folder, which is made when it is needed. */
export function createDatabase(dataDir: string): Database {
  let opened: DatabaseSync | null = null
  const schemas = new Set<string>()
  return {
    open(schema) {
      opened ??= openIn(dataDir)
      if (!schemas.has(schema)) opened.exec(schema)
      schemas.add(schema)
      return opened
    },
    exists: () => opened !== null || existsSync(fileIn(dataDir)),
    close() {
      opened?.close()
      opened = null
    },
  }
}

const fileIn = (dataDir: string): string => join(dataDir, 'gateway.db')

function openIn(dataDir: string): DatabaseSync {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(fileIn(dataDir), { timeout: BUSY_TIMEOUT })
  // With a write-ahead log readers do not wait, and a process that is killed loses nothing it has committed.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
  return database
}
