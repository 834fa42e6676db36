import { readResult, writeResult, type FinishedPages } from '../ocr/finished-pages.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import type { ClaimedResponse, KeptError } from './kept.ts'
import { claimedOf } from './row.ts'
import type { Sql, Values } from './sql.ts'
import { FORGET_PAGES, type Piece } from './store.ts'

/**
 * The background responses, as the process sees them that reads them. Each belongs to the process that has claimed it, for as
 * long as that renews its lease: only that process says how it ends. While another process has the database locked, changes
 * wait: those with a signal until it is aborted.
 */
export interface ResponseWork {
  /** Whether there ever was any. */
  exists(): boolean
  /** Claims the next response that nobody reads, of the key that has the fewest being read, and fewer than so many here. */
  claim(process: string, until: number, mostOfKey: number): ClaimedResponse | null
  /** False where it is not this process's to read any more. */
  renew(id: string, process: string, until: number): Promise<boolean>
  /** The pages that were read of a response. None is added to one that is not this process's to read any more. */
  finishedPages(id: string, process: string, signal: AbortSignal): FinishedPages
  /** Forgets pages that failed, so that the next try reads them; not where any text was handed on, and their marks with it. */
  forgetFailures(id: string): Promise<void>
  /** Keeps a piece of text; false: it was kept before, or the response is not this process's to read any more. */
  addPiece(id: string, process: string, number: number, piece: Piece, signal: AbortSignal): Promise<boolean>
  complete(id: string, process: string, done: ResponseObject, signal: AbortSignal): Promise<void>
  fail(id: string, process: string, error: KeptError): Promise<void>
  /** Gives a claim back, for a try at a time; `failingSince` null: nothing was wrong with the response. */
  putBack(id: string, process: string, notBefore: number, failingSince: number | null): Promise<void>
}

/** Creates it. */
export function createResponseWork(sql: Sql): ResponseWork {
  const run = (statement: string, values: Values, signal?: AbortSignal): Promise<boolean> =>
    sql.patiently(() => sql.run(statement, values), signal)
  async function end(
    statement: string,
    { id, ...values }: Values & { id: string },
    signal?: AbortSignal,
  ): Promise<void> {
    const isOwn = await run(statement, { id, ...values, now: Date.now() }, signal)
    if (isOwn) await run(FORGET_PAGES, { id }, signal)
  }
  return {
    exists: () => sql.exists(),
    claim(process, until, mostOfKey) {
      const [row] = sql.responses(CLAIM, { process, until, mostOfKey, now: Date.now() })
      return row === undefined ? null : claimedOf(row)
    },
    renew: (id, process, until) => run(`UPDATE responses SET leased_until = :until ${OWN}`, { id, process, until }),
    finishedPages: (id, process, signal) => finishedPages(id, process, sql, signal),
    forgetFailures: async (id) => void (await run(FORGET_FAILURES, { id })),
    addPiece: (id, process, number, { text, page }, signal) =>
      run(ADD_PIECE, { id, process, number, page, text }, signal),
    complete(id, process, done, signal) {
      const answer = JSON.stringify(done)
      return end(COMPLETE, { id, process, answer, bytes: bytesOfAnswer(answer) }, signal)
    },
    fail: (id, process, error) => end(FAIL, { id, process, error: JSON.stringify(error) }),
    putBack: async (id, process, notBefore, failingSince) =>
      void (await run(PUT_BACK, { id, process, notBefore, failingSince })),
  }
}

/** Its text is there twice: in its pieces, too. */
function bytesOfAnswer(answer: string): number {
  return 2 * Buffer.byteLength(answer)
}

function finishedPages(id: string, process: string, sql: Sql, signal: AbortSignal): FinishedPages {
  return {
    has: (page) => sql.count(HAS_PAGE, { id, page }) > 0,
    find(page) {
      const [row] = sql.rows('SELECT result FROM response_pages WHERE id = :id AND page = :page', { id, page })
      return row?.result === undefined ? null : readResult(row.result)
    },
    async add(page, result) {
      const values = { id, process, page, hasFailed: result.error === null ? 0 : 1, result: writeResult(result) }
      await sql.patiently(() => {
        sql.run(ADD_PAGE, values)
        // It goes on, however often its process ended before.
        sql.run('UPDATE responses SET losses = 1 WHERE id = :id AND losses > 1', { id })
      }, signal)
    },
  }
}

/** A row is its process's own for as long as no other has claimed it, and it has not ended. */
const OWN = 'WHERE id = :id AND process = :process AND ended_at IS NULL'

// The oldest of the key that has the fewest being read; what can wait comes last. What is being read is counted once, not for
// each response that waits: there may be thousands of those.
const CLAIM = `
WITH reading AS (
  SELECT owner, count(*) AS anywhere, sum(process = :process) AS here
  FROM responses WHERE ended_at IS NULL AND leased_until >= :now GROUP BY owner
)
UPDATE responses
SET status = 'in_progress', is_begun = 1, process = :process, leased_until = :until, losses = losses + 1
WHERE id = (
  SELECT waiting.id FROM responses AS waiting LEFT JOIN reading ON reading.owner = waiting.owner
  WHERE ended_at IS NULL AND leased_until < :now AND not_before <= :now AND coalesce(here, 0) < :mostOfKey
  ORDER BY (lane = 'batch'), coalesce(anywhere, 0), created_at, id
  LIMIT 1
)
RETURNING *`

const COMPLETE = `
UPDATE responses SET status = 'completed', ended_at = :now, answer = :answer, text_bytes = text_bytes + :bytes ${OWN}`

const FAIL = `UPDATE responses SET status = 'failed', ended_at = :now, error = :error ${OWN}`

const PUT_BACK = `
UPDATE responses
SET process = NULL, leased_until = 0, losses = losses - 1, not_before = :notBefore, failing_since = :failingSince
${OWN}`

const FORGET_FAILURES = `
DELETE FROM response_pages
WHERE id = :id AND has_failed = 1 AND NOT EXISTS (SELECT 1 FROM response_pieces WHERE id = :id)`

// After its end nothing is added: the event that ended its stream would get another number.
const ADD_PIECE = `
INSERT OR IGNORE INTO response_pieces (id, number, page, text) SELECT id, :number, :page, :text FROM responses ${OWN}`

const HAS_PAGE = 'SELECT count(*) AS count FROM response_pages WHERE id = :id AND page = :page'

const ADD_PAGE = `
INSERT OR REPLACE INTO response_pages (id, page, has_failed, result)
SELECT id, :page, :hasFailed, :result FROM responses ${OWN}`
