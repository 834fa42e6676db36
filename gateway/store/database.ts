import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/** The embedded database of what must survive a restart. Nothing is written to disk before it is first used. */
export interface Database {
  /** Opens it, and creates the tables of a wing where they are missing; `schema` is SQL that may run twice. */
  open(schema: string): DatabaseSync
  /**
   * Does something with it, again and again while another process has it locked: for some seconds, or, with a signal, until
   * that is aborted, and while the disk is full, too. Nothing else of this process waits meanwhile. Throws what the last try
   * threw.
   */
  patiently<Result>(change: () => Result, signal?: AbortSignal): Promise<Result>
  /** Tells whether there is one, opened or not. */
  exists(): boolean
  close(): void
}

/**
 * Others may write at the same moment: another process of the gateway over the same folder, or an operator's tool. Everything
 * in this process waits with a statement that waits. In milliseconds.
 */
const BUSY_TIMEOUT = 150
/** Where tables are made there is nothing yet that others could wait for. */
const OPEN_TIMEOUT = 2000
const OPEN_TRIES = 10
const OPEN_PAUSE = 20
/** How long a change waits that can be tried again, in milliseconds. */
const PATIENCE = 5000
const TRY_EVERY = 200

/** Creates the database in a folder, which is made when it is needed. */
export function createDatabase(dataDir: string): Database {
  let opened: DatabaseSync | null = null
  let isClosed = false
  /** Resolves when the lock is gone; null: nobody has found one. */
  let unlocked: Promise<void> | null = null
  const schemas = new Set<string>()
  const open = (schema: string): DatabaseSync => {
    opened ??= openIn(dataDir)
    if (!schemas.has(schema)) createTables(opened, schema)
    schemas.add(schema)
    return opened
  }
  return {
    open,
    async patiently(change, signal) {
      const limit = signal ?? AbortSignal.timeout(PATIENCE)
      for (;;) {
        if (unlocked !== null) await settled(unlocked, limit)
        if (isClosed) throw new Error('The database was closed.')
        try {
          return change()
        } catch (error) {
          const mayPass = isLocked(error) || (signal !== undefined && isFull(error))
          if (!mayPass || limit.aborted || isClosed) throw error
          // One looks for all that wait.
          unlocked ??= untilUnlocked(() => opened).finally(() => (unlocked = null))
        }
      }
    },
    exists: () => opened !== null || existsSync(fileIn(dataDir)),
    close() {
      isClosed = true
      opened?.close()
      opened = null
    },
  }
}

/** Waits for a promise, or until the signal is aborted. */
async function settled(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const aborted = Promise.withResolvers<void>()
  const stop = (): void => aborted.resolve()
  signal.addEventListener('abort', stop, { once: true })
  await Promise.race([promise, aborted.promise])
  signal.removeEventListener('abort', stop)
}

/** Resolves when a database can be written again, or is closed. */
async function untilUnlocked(current: () => DatabaseSync | null): Promise<void> {
  for (;;) {
    await delay(TRY_EVERY, undefined, { ref: false })
    const database = current()
    if (database === null || isWritable(database)) return
  }
}

function isWritable(database: DatabaseSync): boolean {
  database.exec('PRAGMA busy_timeout = 0')
  try {
    database.exec('BEGIN IMMEDIATE; COMMIT')
    return true
  } catch (error) {
    // Whoever waits meets any other error, too.
    return !isLocked(error)
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
  }
}

const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** Tells whether a statement failed because another process has the database locked. */
export const isLocked = (error: unknown): boolean => codeOf(error) === SQLITE_BUSY

/** Tells whether a statement failed because the disk is full. */
export const isFull = (error: unknown): boolean => codeOf(error) === SQLITE_FULL

function codeOf(error: unknown): number | null {
  const { errcode } = Object(error) as { readonly errcode?: unknown }
  // More exact codes have it as their last byte.
  return typeof errcode === 'number' ? errcode % 256 : null
}

const fileIn = (dataDir: string): string => join(dataDir, 'gateway.db')

function openIn(dataDir: string): DatabaseSync {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // SQLite would make it readable for everybody, and its other files as this one is; the folder may be older, and open.
  closeSync(openSync(fileIn(dataDir), 'a', 0o600))
  const database = new DatabaseSync(fileIn(dataDir), { timeout: OPEN_TIMEOUT })
  for (let tries = 1; ; tries += 1) {
    try {
      // With a write-ahead log readers do not wait, and a process that is killed loses nothing it has committed.
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
      return database
    } catch (error) {
      // Of two processes that begin the log at the same moment, SQLite refuses one without waiting for the other.
      if (!isLocked(error) || tries === OPEN_TRIES) {
        database.close()
        throw error
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_PAUSE)
    }
  }
}

/** Processes that start together over a new folder all want to make the same tables. */
function createTables(database: DatabaseSync, schema: string): void {
  database.exec(`PRAGMA busy_timeout = ${OPEN_TIMEOUT}`)
  try {
    database.exec(schema)
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
  }
}
