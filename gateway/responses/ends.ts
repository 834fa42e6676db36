import { createLooker, type Looker } from '../schedule/looker.ts'
import type { Log } from '../telemetry/log.ts'
import type { Sql } from './sql.ts'

/** How a background response has ended. */
export interface ResponseEnd {
  readonly id: string
  readonly owner: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** In milliseconds of Unix time. */
  readonly endedAt: number
}

/** Told of background responses that have ended; of all of them again where it throws, or the process ends meanwhile. */
export type OnEnded = (ends: readonly ResponseEnd[]) => Promise<void>

interface EndTellerServices {
  readonly sql: Sql
  readonly onEnded: OnEnded
  readonly log: Log
}

/**
 * Has every end of a background response noted in the transaction that ends it, whoever ends it and however. For this
 * connection alone: where nobody is told of ends, none is noted.
 */
export const NOTE_ENDS = `
CREATE TEMP TRIGGER IF NOT EXISTS note_response_end AFTER UPDATE OF ended_at ON main.responses
WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO response_ends (id, owner, status, ended_at) VALUES (NEW.id, NEW.owner, NEW.status, NEW.ended_at);
END;
`

const LOOK_EVERY = 2000
const AT_A_TIME = 100

/** Creates what tells of the ends: of those of this process when it is woken, and of those that others have left untold. */
export function createEndTeller({ sql, onEnded, log }: EndTellerServices): Looker {
  async function look(): Promise<void> {
    if (!sql.exists()) return
    for (let ends = next(sql); ends.length > 0; ends = next(sql)) {
      await onEnded(ends)
      await sql.patiently(() => ends.forEach(({ id }) => sql.run('DELETE FROM response_ends WHERE id = :id', { id })))
    }
  }
  const onTrouble = (error: unknown): void => log.error({ err: error }, 'ends of background responses cannot be told')
  return createLooker({ look, everyMs: LOOK_EVERY, onTrouble })
}

function next(sql: Sql): ResponseEnd[] {
  return sql.rows(NEXT, { limit: AT_A_TIME }).map(endOf)
}

function endOf({ id = '', owner = '', status, ended_at: endedAt }: ReturnType<Sql['rows']>[number]): ResponseEnd {
  return { id, owner, status: status as ResponseEnd['status'], endedAt: endedAt ?? 0 }
}

const NEXT = 'SELECT id, owner, status, ended_at FROM response_ends ORDER BY ended_at LIMIT :limit'
