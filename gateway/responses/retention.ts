import { shareLoop } from '../schedule/loop-share.ts'
import type { Log } from '../telemetry/log.ts'
import type { Spool } from './spool.ts'
import type { ResponseStore } from './store.ts'

/** What removes old responses. */
export interface RetentionServices {
  readonly store: ResponseStore
  readonly spool: Spool
  readonly log: Log
}

const HOUR = 3_600_000
/** How long a response is kept when it has ended, in milliseconds. */
const KEPT = 24 * HOUR
/** How long its documents are: for another response about the same ones. */
const DOCUMENTS_KEPT = HOUR
/** The documents of all that have ended together, in bytes. */
const MAX_DOCUMENT_BYTES = 4 * 1024 ** 3
/** Their texts together, in bytes: what was read, and what it was asked with. */
const MAX_TEXT_BYTES = 2 * 1024 ** 3
const LOOK_EVERY = 60_000

/** Removes responses, and their documents, when it is time; and documents that belong to none, after a process was killed. */
export function startRetention(services: RetentionServices): { close(): Promise<void> } {
  let running: Promise<void> | null = null
  function look(): void {
    if (running !== null || !services.store.exists()) return
    running = removeOld(services)
      .catch((error: unknown) => services.log.error({ err: error }, 'old responses were not removed'))
      .finally(() => (running = null))
  }
  const timer = setInterval(look, LOOK_EVERY)
  timer.unref()
  const first = setImmediate(look)
  return {
    async close() {
      clearInterval(timer)
      clearImmediate(first)
      await running
    },
  }
}

async function removeOld({ store, spool }: RetentionServices): Promise<void> {
  const now = Date.now()
  await removeAll(() => store.removeOld(now - KEPT, MAX_TEXT_BYTES), spool)
  await removeAll(() => store.dropDocuments(now - DOCUMENTS_KEPT, MAX_DOCUMENT_BYTES), spool)
  for (const { id, changedAt } of await spool.list()) {
    // Of a request that has not ended, the response is added when it has.
    if (changedAt < now - HOUR && !store.has(id)) await spool.remove(id)
  }
}

/** Removes documents, some at a time, until there are none left. */
async function removeAll(next: () => readonly string[], spool: Spool): Promise<void> {
  for (let ids = next(); ids.length > 0; ids = next()) {
    for (const id of ids) await spool.remove(id)
    await shareLoop()
  }
}
