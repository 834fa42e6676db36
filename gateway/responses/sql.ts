import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Database } from '../store/database.ts'
import type { Row } from './row.ts'
import { schema } from './schema.ts'

/** The values of a statement's `:names`. */
export type Values = Readonly<Record<string, SQLInputValue>>

/** The database of the responses. It is opened when it is first used. */
export interface Sql {
  /** Whether there is one: else nothing was ever kept. */
  exists(): boolean
  /** Runs a statement; returns whether it changed anything. */
  run(sql: string, values?: Values): boolean
  /** Does something again and again while another process has the database locked; see `Database`. */
  readonly patiently: Database['patiently']
  /** Returns what a statement says of each row, in the names of its columns. */
  rows(sql: string, values?: Values): Partial<Row>[]
  /** Returns whole rows. */
  responses(sql: string, values?: Values): Row[]
  /** Returns what a statement says as `count`. */
  count(sql: string, values?: Values): number
}

/** Creates it. `more` is SQL behind the schema, which may run twice. */
export function createSql(database: Database, more = ''): Sql {
  const statements = new Map<string, StatementSync>()
  let prepared: DatabaseSync | null = null

  function statement(sql: string): StatementSync {
    const opened = database.open(schema + more)
    if (opened !== prepared) statements.clear()
    prepared = opened
    const known = statements.get(sql) ?? opened.prepare(sql)
    statements.set(sql, known)
    return known
  }
  const all = (sql: string, values: Values): unknown[] => statement(sql).all(values)
  return {
    exists: () => database.exists(),
    patiently: (change, signal) => database.patiently(change, signal),
    run: (sql, values = {}) => statement(sql).run(values).changes > 0,
    rows: (sql, values = {}) => all(sql, values) as Partial<Row>[],
    responses: (sql, values = {}) => all(sql, values) as Row[],
    count: (sql, values = {}) => (statement(sql).get(values) as { count: number }).count,
  }
}
