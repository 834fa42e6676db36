import { setTimeout as delay } from 'node:timers/promises'
import { isUncertain } from './arrival.ts'
import { nowInSeconds } from './clock.ts'
import { tellAgain, type Keeping } from './file-store.ts'
import { COPY } from './signed-addresses.ts'

/** Removes what nobody can ask for any more, and finds again what a table has lost. */
export interface Sweeper extends AsyncDisposable {
  sweep(): Promise<void>
}

/** What is swept, and how. */
export interface SweeperOptions {
  /** A gateway that has never stored a file sweeps nothing, and makes no folder. */
  readonly isUsed: () => boolean
  /** What is to be done by each process before anything is removed. */
  readonly prepare: () => Promise<void>
  /** What was written longer ago, and belongs to nothing, is not on its way any more. Clocks may differ by some minutes. */
  readonly staleAfterMs: number
  readonly onError: (error: unknown) => void
}

/** In milliseconds: after the start, and then again and again. */
const FIRST_AFTER = 500
const INTERVAL = 60_000
/** For so long the end of a round is waited for, in milliseconds. */
const CLOSE_TIMEOUT = 2000
/** Files, or uploads, that are removed at a time. */
const BATCH = 100
/** All bytes are looked through at the start, and then once in so many seconds, by one process. */
const LOOK_THROUGH_EVERY = 14 * 60
/** For so long after a table was new, or had lost all, nothing is thought to belong to nobody, in seconds. */
const SETTLING = 24 * 3600
/** Names of bytes whose facts are asked for side by side. */
const SIDE_BY_SIDE = 16

/** Starts to sweep: each minute one of the processes that share a table. */
export function startSweeper(keeping: Keeping, { isUsed, prepare, staleAfterMs, onError }: SweeperOptions): Sweeper {
  const closing = new AbortController()
  const sweeping: Sweeping = { ...keeping, staleAfterMs, signal: closing.signal }
  let nextLook = 0
  let running = Promise.resolve()

  async function round(isAsked: boolean): Promise<void> {
    if (closing.signal.aborted || !isUsed()) return
    await prepare()
    const { table } = keeping
    if (!isAsked && !(await table.claim('sweep', INTERVAL / 1000 - 5))) return
    if (keeping.facts.areKept && !(await table.isFilled())) {
      await fill(sweeping)
      // Bytes without facts may be those of a gateway that has yet to tell what it knows from before it had this table.
      await table.claim('look through', SETTLING)
    }
    for (const some of [forgetFiles, forgetUploads]) while (!closing.signal.aborted && (await some(keeping)));
    if (closing.signal.aborted || (!isAsked && Date.now() < nextLook)) return
    nextLook = Date.now() + LOOK_THROUGH_EVERY * 1000
    if (isAsked || (await table.claim('look through', LOOK_THROUGH_EVERY))) await lookThrough(sweeping)
  }

  /** Said once for as long as it lasts. */
  let failure: string | null = null
  function failed(error: unknown): void {
    const isNew = String(error) !== failure
    failure = String(error)
    if (isNew && !closing.signal.aborted) onError(error)
  }

  function sweep(isAsked = true): Promise<void> {
    running = running.then(() => round(isAsked)).then(() => void (failure = null), failed)
    return running
  }

  const first = setTimeout(() => void sweep(false), FIRST_AFTER).unref()
  const timer = setInterval(() => void sweep(false), INTERVAL).unref()
  return {
    sweep,
    async [Symbol.asyncDispose]() {
      closing.abort()
      clearTimeout(first)
      clearInterval(timer)
      // A storage that is away is not waited for.
      await Promise.race([running, delay(CLOSE_TIMEOUT, undefined, { ref: false })])
    },
  }
}

interface Sweeping extends Keeping {
  readonly staleAfterMs: number
  readonly signal: AbortSignal
}

/** Tells a table that is new, or has lost what it knew, of all files whose facts are kept. */
async function fill(sweeping: Sweeping): Promise<void> {
  const { table, blobs, facts, signal } = sweeping
  for await (const names of blobs.names()) {
    const ids = names.map((name) => facts.idOf(name)).filter((id) => id !== null)
    await sideBySide(await table.unowned(ids), async (id) => void (signal.aborted || (await findAgain(sweeping, id))))
  }
  if (!signal.aborted) await table.filled()
}

/** Tells the table of a file that has facts; returns whether it has some, and its time is not over. */
async function findAgain(keeping: Keeping, id: string): Promise<boolean> {
  const found = await keeping.facts.find(id)
  if (found === null || found.file.expiresAt <= nowInSeconds() - CLOCKS_DIFFER) return false
  return tellAgain(keeping, found)
}

/** What another process's clock says may be so many seconds ago, or ahead. */
const CLOCKS_DIFFER = 10 * 60

/** Removes bytes that are old and belong to nothing, and what a process has left that ended while it wrote. */
async function lookThrough(sweeping: Sweeping): Promise<void> {
  const { table, blobs, facts, signal } = sweeping
  await blobs.sweep()
  for await (const names of blobs.names()) {
    if (signal.aborted) return
    const ids = new Set(names.filter((name) => name !== COPY).map((name) => facts.idOf(name) ?? name))
    await sideBySide(await table.unowned([...ids]), (id) => removeLost(sweeping, id))
  }
}

/** Bytes whose row is gone may be a file all the same: its facts say so. */
async function removeLost(sweeping: Sweeping, id: string): Promise<void> {
  const { blobs, facts, staleAfterMs } = sweeping
  const names = facts.namesOf(id)
  const times = await Promise.all(names.map((name) => blobs.changedAt(name)))
  const isYoung = times.some((time) => time !== null && Date.now() - time <= staleAfterMs)
  if (isYoung) return
  const hasBytes = times.at(-1) !== null
  if (!hasBytes || !(await findAgain(sweeping, id))) await blobs.remove(names)
}

async function sideBySide(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  for (let start = 0; start < ids.length; start += SIDE_BY_SIDE)
    await Promise.all(ids.slice(start, start + SIDE_BY_SIDE).map(work))
}

/** Forgets files whose time is over, some of them; returns whether there were any. */
async function forgetFiles({ table, blobs, facts }: Keeping): Promise<boolean> {
  const ids = await table.expiredFiles(BATCH)
  if (ids.length === 0) return false
  await forget(
    { blobs },
    ids.flatMap((id) => facts.namesOf(id)),
    () => table.forgetFiles(ids),
  )
  return true
}

/** Forgets the parts of uploads that were given up, and uploads of long ago. */
async function forgetUploads({ table, blobs }: Keeping): Promise<boolean> {
  const uploads = await table.givenUpUploads(BATCH)
  for (const { id, partIds } of uploads) await forget({ blobs }, partIds, () => table.giveUp(id))
  return (await table.forgetOldUploads(BATCH)) || uploads.length > 0
}

/** Bytes go first: on a full disk the database has no room to note anything before. */
async function forget({ blobs }: Pick<Keeping, 'blobs'>, names: readonly string[], note: () => unknown): Promise<void> {
  try {
    await blobs.remove(names)
  } catch (error) {
    // What cannot be removed keeps nothing else from being forgotten; a storage that is away will come back.
    if (!isUncertain(error)) await note()
    throw error
  }
  await note()
}
