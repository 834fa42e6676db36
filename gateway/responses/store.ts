import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { readResult, writeResult, type FinishedPages } from '../ocr/finished-pages.ts'
import type { TextPiece } from '../ocr/stitch.ts'
import type { Database } from '../store/database.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import type { ClaimedResponse, KeptError, KeptQuestion, KeptResponse } from './kept.ts'
import { schema } from './schema.ts'
import { claimedOf, keptOf, type Row } from './row.ts'

/** How far a response is. */
export type Progress = Pick<KeptResponse, 'isBegun' | 'endedAt'>

type Piece = Pick<TextPiece, 'text' | 'page'>

/** What is said of a response when it is first kept. */
export interface NewResponse {
  readonly id: string
  readonly owner: string
  readonly question: KeptQuestion
  /** What its client has read already; null: it is to be read in the background. */
  readonly done: ResponseObject | null
}

/**
 * The kept responses. A background response belongs to the process that has claimed it, for as long as it renews its lease:
 * only that process writes what it reads.
 */
export interface ResponseStore {
  /** Whether anything was ever kept. */
  exists(): boolean
  add(response: NewResponse): void
  /** Null where a key has no such response. */
  find(id: string, owner: string): KeptResponse | null
  has(id: string): boolean
  /** Returns how far a response is; null where a key has none. */
  progress(id: string, owner: string): Progress | null
  /** Returns the pieces of text from the piece with that number on, at most so many. */
  pieces(id: string, from: number, limit: number): Piece[]
  countPieces(id: string): number
  /** Returns how many background responses of a key have not ended. */
  unended(owner: string): number
  /** Returns how many bytes the documents take of all background responses that have not ended. */
  unendedBytes(): number
  /** Ends a background response that has not ended; false: it had. */
  cancel(id: string, owner: string): boolean
  remove(id: string): void

  /** Claims the next response that nobody reads, of the key that has the fewest being read. */
  claim(process: string, until: number): ClaimedResponse | null
  /** False where it is not this process's to read any more. */
  renew(id: string, process: string, until: number): boolean
  /** The pages that were read of a response. */
  finishedPages(id: string): FinishedPages
  /** Forgets pages that failed, so that the next try reads them. */
  forgetFailures(id: string): void
  addPiece(id: string, number: number, piece: Piece): void
  complete(id: string, process: string, done: ResponseObject): void
  fail(id: string, process: string, error: KeptError): void
  /** Gives a claim back, for a try at a time; `failingSince` null: nothing was wrong with the response. */
  putBack(id: string, process: string, notBefore: number, failingSince: number | null): void

  /** Removes responses that ended before, and the oldest beyond so many bytes; returns their ids. */
  removeOld(endedBefore: number, maxBytes: number): string[]
  /** Notes that the documents of responses that ended before are not kept any more; returns the ids. */
  dropDocuments(endedBefore: number): string[]
}

/** Creates the store over a database, which is opened when it is first needed. */
export function createResponseStore(database: Database): ResponseStore {
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
  const run = (sql: string, ...values: SQLInputValue[]): boolean => statement(sql).run(...values).changes > 0
  const rows = (sql: string, ...values: SQLInputValue[]): Row[] => statement(sql).all(...values) as unknown as Row[]
  const ids = (sql: string, ...values: SQLInputValue[]): string[] => rows(sql, ...values).map(({ id }) => id)
  const count = (sql: string, ...values: SQLInputValue[]): number =>
    Number((statement(sql).get(...values) as { count: number }).count)

  return {
    exists: () => database.exists(),
    add({ id, owner, question, done }) {
      const answer = done === null ? null : JSON.stringify(done)
      const now = Date.now()
      const bytes = question.documents.reduce((sum, document) => sum + document.bytes, 0)
      const [status, endedAt] = done === null ? ['queued', null] : ['completed', now]
      const lane = question.options.lane
      run(
        `INSERT INTO responses (id, owner, status, is_begun, lane, created_at, ended_at, question, answer, answer_bytes, document_bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[id, owner, status, done === null ? 0 : 1, lane, now, endedAt],
        ...[JSON.stringify(question), answer, answer?.length ?? 0, bytes],
      )
    },
    find(id, owner) {
      const [row] = rows('SELECT * FROM responses WHERE id = ? AND owner = ?', id, owner)
      return row === undefined ? null : keptOf(row)
    },
    has: (id) => count('SELECT count(*) AS count FROM responses WHERE id = ?', id) > 0,
    progress(id, owner) {
      const [row] = rows('SELECT is_begun, ended_at FROM responses WHERE id = ? AND owner = ?', id, owner)
      return row === undefined ? null : { isBegun: row.is_begun === 1, endedAt: row.ended_at }
    },
    pieces: (id, from, limit) =>
      statement('SELECT text, page FROM response_pieces WHERE id = ? AND number >= ? ORDER BY number LIMIT ?').all(
        ...[id, from, limit],
      ) as unknown as Piece[],
    countPieces: (id) => count('SELECT count(*) AS count FROM response_pieces WHERE id = ?', id),
    unended: (owner) => count('SELECT count(*) AS count FROM responses WHERE owner = ? AND ended_at IS NULL', owner),
    unendedBytes: () => count('SELECT coalesce(sum(document_bytes), 0) AS count FROM responses WHERE ended_at IS NULL'),
    cancel: (id, owner) =>
      run(
        `UPDATE responses SET status = 'cancelled', ended_at = ?, process = NULL
         WHERE id = ? AND owner = ? AND ended_at IS NULL`,
        ...[Date.now(), id, owner],
      ),
    remove: (id) => void run('DELETE FROM responses WHERE id = ?', id),

    claim(process, until) {
      const now = Date.now()
      const [row] = rows(CLAIM, process, until, now, now, now)
      return row === undefined ? null : claimedOf(row)
    },
    renew: (id, process, until) => run(`UPDATE responses SET leased_until = ? ${OWN}`, until, id, process),
    finishedPages: (id) => ({
      has: (page) => count('SELECT count(*) AS count FROM response_pages WHERE id = ? AND page = ?', id, page) > 0,
      find(page) {
        const found = statement('SELECT result FROM response_pages WHERE id = ? AND page = ?').get(id, page)
        return found === undefined ? null : readResult(String(found['result']))
      },
      add: (page, result) =>
        void run(
          'INSERT OR REPLACE INTO response_pages (id, page, has_failed, result) VALUES (?, ?, ?, ?)',
          ...[id, page, result.error === null ? 0 : 1, writeResult(result)],
        ),
    }),
    forgetFailures: (id) => void run('DELETE FROM response_pages WHERE id = ? AND has_failed = 1', id),
    addPiece: (id, number, { text, page }) =>
      void run(
        'INSERT OR IGNORE INTO response_pieces (id, number, page, text) VALUES (?, ?, ?, ?)',
        id,
        number,
        page,
        text,
      ),
    complete(id, process, done) {
      const answer = JSON.stringify(done)
      const isOwn = run(
        `UPDATE responses SET status = 'completed', ended_at = ?, answer = ?, answer_bytes = ? ${OWN}`,
        ...[Date.now(), answer, answer.length, id, process],
      )
      if (isOwn) run('DELETE FROM response_pages WHERE id = ?', id)
    },
    fail(id, process, error) {
      const isOwn = run(
        `UPDATE responses SET status = 'failed', ended_at = ?, error = ? ${OWN}`,
        ...[Date.now(), JSON.stringify(error), id, process],
      )
      if (isOwn) run('DELETE FROM response_pages WHERE id = ?', id)
    },
    putBack: (id, process, notBefore, failingSince) =>
      void run(
        `UPDATE responses SET process = NULL, leased_until = 0, losses = losses - 1, not_before = ?, failing_since = ? ${OWN}`,
        ...[notBefore, failingSince, id, process],
      ),

    removeOld: (endedBefore, maxBytes) => [
      ...ids('DELETE FROM responses WHERE ended_at < ? RETURNING id', endedBefore),
      ...ids(REMOVE_BEYOND, maxBytes),
    ],
    dropDocuments: (endedBefore) =>
      ids('UPDATE responses SET has_documents = 0 WHERE has_documents = 1 AND ended_at < ? RETURNING id', endedBefore),
  }
}

/** A row is its process's own for as long as no other has claimed it, and it has not ended. */
const OWN = `WHERE id = ? AND process = ? AND ended_at IS NULL`

// The oldest of the key that has the fewest being read; what nobody waits for comes last.
const CLAIM = `
UPDATE responses SET status = 'in_progress', is_begun = 1, process = ?, leased_until = ?, losses = losses + 1
WHERE id = (
  SELECT id FROM responses AS waiting
  WHERE ended_at IS NULL AND leased_until < ? AND not_before <= ?
  ORDER BY (lane = 'batch'),
    (SELECT count(*) FROM responses WHERE owner = waiting.owner AND ended_at IS NULL AND leased_until >= ?),
    created_at, id
  LIMIT 1
)
RETURNING *`

const REMOVE_BEYOND = `
DELETE FROM responses WHERE id IN (
  SELECT id FROM (
    SELECT id, sum(answer_bytes + document_bytes * has_documents) OVER (ORDER BY ended_at DESC, id) AS kept FROM responses WHERE ended_at IS NOT NULL
  ) WHERE kept > ?
)
RETURNING id`
