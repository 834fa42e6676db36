import type { TextPiece } from '../ocr/stitch.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import type { KeptQuestion, KeptResponse } from './kept.ts'
import { keptOf } from './row.ts'
import type { Sql } from './sql.ts'

/** A piece of a response's text. */
export type Piece = Pick<TextPiece, 'text' | 'page'>

/** How far a response is. */
export type Progress = Pick<KeptResponse, 'isBegun' | 'endedAt'>

/** What is said of a response when it is first kept. */
export interface NewResponse {
  readonly id: string
  readonly owner: string
  readonly question: KeptQuestion
  /** What its client has read already; null: it is to be read in the background. */
  readonly done: ResponseObject | null
}

/** The kept responses, as those see them who ask for them. Changes wait a moment where another process has the database locked. */
export interface ResponseStore {
  /** Whether anything was ever kept. */
  exists(): boolean
  add(response: NewResponse): Promise<void>
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
  /** Returns how many bytes all background responses take that have not ended, their documents included. */
  unendedBytes(): number
  /** Ends a background response that has not ended; false: it had. */
  cancel(id: string, owner: string): Promise<boolean>
  remove(id: string): Promise<void>
  /** Removes some of the responses that ended before, or are the oldest whose texts are beyond so many bytes; returns their ids: none, none is left. */
  removeOld(endedBefore: number, maxBytes: number): string[]
  /** Notes of some such responses that their documents, which take so many bytes at most, are not kept any more; returns the ids. */
  dropDocuments(endedBefore: number, maxBytes: number): string[]
}

/** Creates the store. */
export function createResponseStore(sql: Sql): ResponseStore {
  const ids = (...[statement, values]: Parameters<Sql['rows']>): string[] =>
    sql.rows(statement, values).flatMap(({ id }) => id ?? [])
  return {
    exists: () => sql.exists(),
    async add(response) {
      const row = newRow(response)
      await sql.patiently(() => sql.run(ADD, row))
    },
    find(id, owner) {
      const [row] = sql.responses('SELECT * FROM responses WHERE id = :id AND owner = :owner', { id, owner })
      return row === undefined ? null : keptOf(row)
    },
    has: (id) => sql.count('SELECT count(*) AS count FROM responses WHERE id = :id', { id }) > 0,
    progress(id, owner) {
      const [row] = sql.rows(PROGRESS, { id, owner })
      return row === undefined ? null : { isBegun: row.is_begun === 1, endedAt: row.ended_at ?? null }
    },
    pieces: (id, from, limit) =>
      sql.rows(PIECES, { id, from, limit }).map(({ text = '', page = null }) => ({ text, page })),
    countPieces: (id) => sql.count('SELECT count(*) AS count FROM response_pieces WHERE id = :id', { id }),
    unended: (owner) =>
      sql.count('SELECT count(*) AS count FROM responses WHERE owner = :owner AND ended_at IS NULL', { owner }),
    unendedBytes: () => sql.count(UNENDED_BYTES),
    cancel: (id, owner) =>
      sql.patiently(() => {
        const isCancelled = sql.run(CANCEL, { id, owner, now: Date.now() })
        if (isCancelled) sql.run(FORGET_PAGES, { id })
        return isCancelled
      }),
    remove: async (id) => void (await sql.patiently(() => sql.run('DELETE FROM responses WHERE id = :id', { id }))),
    removeOld(endedBefore, maxBytes) {
      const old = ids(REMOVE_OLD, { endedBefore, limit: AT_A_TIME })
      return old.length > 0 ? old : ids(REMOVE_BEYOND, { maxBytes, limit: AT_A_TIME })
    },
    dropDocuments(endedBefore, maxBytes) {
      const old = ids(DROP_OLD, { endedBefore, limit: AT_A_TIME })
      return old.length > 0 ? old : ids(DROP_BEYOND, { maxBytes, limit: AT_A_TIME })
    },
  }
}

/** So many are removed at a time: each takes its pieces with it, and all else waits meanwhile. */
const AT_A_TIME = 20

function newRow({ id, owner, question: asked, done }: NewResponse) {
  const question = JSON.stringify(asked)
  const answer = done === null ? null : JSON.stringify(done)
  const now = Date.now()
  return {
    id,
    owner,
    status: done === null ? 'queued' : 'completed',
    isBegun: done === null ? 0 : 1,
    lane: asked.options.lane,
    createdAt: now,
    endedAt: done === null ? null : now,
    question,
    answer,
    textBytes: Buffer.byteLength(question) + Buffer.byteLength(answer ?? ''),
    documentBytes: asked.documents.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

const ADD = `
INSERT INTO responses
  (id, owner, status, is_begun, lane, created_at, ended_at, question, answer, text_bytes, document_bytes)
VALUES
  (:id, :owner, :status, :isBegun, :lane, :createdAt, :endedAt, :question, :answer, :textBytes, :documentBytes)`

const PROGRESS = 'SELECT is_begun, ended_at FROM responses WHERE id = :id AND owner = :owner'

const PIECES = 'SELECT text, page FROM response_pieces WHERE id = :id AND number >= :from ORDER BY number LIMIT :limit'

const UNENDED_BYTES =
  'SELECT coalesce(sum(text_bytes + document_bytes), 0) AS count FROM responses WHERE ended_at IS NULL'

const CANCEL = `
UPDATE responses SET status = 'cancelled', ended_at = :now, process = NULL
WHERE id = :id AND owner = :owner AND ended_at IS NULL`

/** The pages of a response are kept until it ends. */
export const FORGET_PAGES = 'DELETE FROM response_pages WHERE id = :id'

const REMOVE_OLD = `
DELETE FROM responses
WHERE id IN (SELECT id FROM responses WHERE ended_at < :endedBefore ORDER BY ended_at LIMIT :limit)
RETURNING id`

const REMOVE_BEYOND = `
DELETE FROM responses WHERE id IN (
  SELECT id FROM (
    SELECT id, sum(text_bytes) OVER (ORDER BY ended_at DESC, id) AS kept
    FROM responses WHERE ended_at IS NOT NULL
  ) WHERE kept > :maxBytes LIMIT :limit
)
RETURNING id`

const DROP_OLD = `
UPDATE responses SET has_documents = 0
WHERE id IN (SELECT id FROM responses WHERE has_documents = 1 AND ended_at < :endedBefore LIMIT :limit)
RETURNING id`

// Documents go long before the answers that were read from them: those are small, and somebody may still come for them.
const DROP_BEYOND = `
UPDATE responses SET has_documents = 0 WHERE id IN (
  SELECT id FROM (
    SELECT id, has_documents, sum(document_bytes * has_documents) OVER (ORDER BY ended_at DESC, id) AS kept
    FROM responses WHERE ended_at IS NOT NULL
  ) WHERE kept > :maxBytes AND has_documents = 1 LIMIT :limit
)
RETURNING id`
