import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { GatewayError } from '../../errors.ts'
import { isFull, isLocked, type Database } from '../../store/database.ts'
import { schema } from './schema.ts'

/** Values of a statement's parameters, by name. */
export type Values = Readonly<Record<string, SQLInputValue>>

/** The tables of batches. */
export interface Tables {
  /** Whether anything was ever written to the database. */
  exists(): boolean
  /** Returns whether anything has changed. */
  run(sql: string, values?: Values): boolean
  rows<Row>(sql: string, values?: Values): Row[]
  /**
   * Has all of a change happen, or nothing, as soon as the database can be written: for some seconds, or, with a signal, until
   * that is aborted, while the disk is full, too. Throws `storage_full` and `internal_error`.
   */
  atOnce<Result>(change: () => Result, signal?: AbortSignal): Promise<Result>
}

/** Opens them when they are first used. */
export function createTables(database: Database): Tables {
  const statements = new Map<string, StatementSync>()
  let prepared: DatabaseSync | null = null

  function statement(sql: string): StatementSync {
    const opened = database.open(schema)
    if (opened !== prepared) statements.clear()
    prepared = opened
    const known = statements.get(sql) ?? opened.prepare(sql)
    statements.set(sql, known)
    return known
  }
  return {
    exists: () => database.exists(),
    run: (sql, values = {}) => statement(sql).run(values).changes > 0,
    rows: <Row>(sql: string, values: Values = {}) => statement(sql).all(values) as Row[],
    async atOnce(change, signal) {
      try {
        return await database.patiently(() => transact(database.open(schema), change), signal)
      } catch (error) {
        throw failureOf(error)
      }
    },
  }
}

function transact<Result>(opened: DatabaseSync, change: () => Result): Result {
  try {
    opened.exec('BEGIN IMMEDIATE')
    const result = change()
    opened.exec('COMMIT')
    return result
  } catch (error) {
    // On a full disk SQLite does so itself.
    if (opened.isTransaction) opened.exec('ROLLBACK')
    throw error
  }
}

function failureOf(error: unknown): unknown {
  if (isFull(error)) {
    const message = 'The disk of GATEWAY_DATA_DIR is full, and what becomes of batches is written there. Make room.'
    return new GatewayError('storage_full', message, { cause: error })
  }
  if (!isLocked(error)) return error
  const message = 'Another program has the database in GATEWAY_DATA_DIR locked; nothing was changed. Try again.'
  return new GatewayError('internal_error', message, { cause: error, retry: true })
}
