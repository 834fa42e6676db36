import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import { createBullJobs, inTime, type BullJobs } from './bull-jobs.ts'
import { createHeldTasks, type HeldTasks } from './held-tasks.ts'
import type { UnendedBatch } from './kept-rows.ts'
import type { BatchQueue, ClaimedTask } from './queue.ts'
import { ROW_VERSION } from './redis-row.ts'
import { createTurns, type Turns } from './turns.ts'

/** What the queue is made with. */
export interface BullQueueOptions {
  readonly shared: SharedRedis
  /** How many lines this process takes at a time, at most. */
  readonly lines: number
  /**
   * Yields all batches that have not ended. Of one that the queue does not know, since a process ended between two steps, the next
   * step is pushed again.
   */
  readonly unended: () => AsyncIterable<UnendedBatch>
  /** Tells whether all is to be pushed again, at once. */
  readonly wasEmptied?: () => Promise<boolean>
  /** While the gateway drains, nothing waits for a Redis that is away. */
  readonly lifecycle?: { readonly draining: boolean }
  /** Told of errors of the connection, and of what is tried again. */
  readonly onError: (error: unknown) => void
  /** How long a task stays with a process that does not say that it lives, in milliseconds. */
  readonly lockMs?: number
  /** How often it looks for what others have left behind, in milliseconds. */
  readonly lookMs?: number
}

/**
 * The version of the jobs and of what is known of turns. Replicas of another version have a queue of their own, and leave this one
 * alone.
 */
const VERSION = 1
/** Tasks of rows that an older gateway does not understand are none of its queue: it could but hold them up. Both only go up. */
const QUEUE_VERSION = VERSION + ROW_VERSION - 1
/** A process whose event loop stands still for so long has lost what it had; half as long again, and others have it. */
const LOCK = 10_000
const BEAT_EVERY = 1000
const LOOK_EVERY = 5000
/** Each so many looks, at batches that the queue should know, too. */
const LOOKS_FOR_UNENDED = 4
/** A task that was handed out so long ago has a job, or the process that was to make it has ended, in milliseconds. */
const JOB_EXPECTED = 10_000
/** In so many milliseconds every replica that lives has found a Redis that is back. */
const LEAST_GRACE = 3000
/** Nobody waits longer for BullMQ, whose commands wait for as long as Redis is away, in milliseconds. */
const HAND_TIMEOUT = 5000
/** A replica that has taken less so far may take so many lines at once: what keeps a small engine busy. */
const LEAST_LINES = 16
/** Tasks that were taken back while they waited are passed over, so many at a time. */
const MAX_PASSED_OVER = 200

interface Parts {
  readonly options: BullQueueOptions
  readonly lockMs: number
  readonly replica: string
  readonly connection: Redis
  readonly turns: Turns
  readonly jobs: Promise<BullJobs>
  readonly held: HeldTasks
  readonly closing: AbortController
  /** Puts tasks of an owner into the line, for everybody. */
  readonly hand: (owner: string, tasks: readonly string[]) => Promise<void>
  readonly wake: () => void
}

/** Creates the queue that replicas share: BullMQ in Redis hands out the tasks, and Turns says when each gets into its line. */
export function createBullQueue(options: BullQueueOptions): BatchQueue {
  const listeners = new Set<() => void>()
  const parts = createParts(options, () => listeners.forEach((listener) => listener()))
  const { turns, held, closing, jobs } = parts
  const upkeep = startUpkeep(parts)
  return {
    waiting: () => turns.waiting(),
    push: (batch, ended) => push(parts, batch, ended),
    async claim() {
      try {
        return await claim(parts)
      } catch (error) {
        // Redis is read-only, or full: as long as it is, there is nothing to do.
        options.onError(error)
        return null
      }
    },
    onWork(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop(batch) {
      await turns.stop(batch)
      await inTime(upkeep.beat(), HAND_TIMEOUT)
    },
    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      upkeep.stop()
      listeners.clear()
      await held.putBack()
      await (await jobs).close()
    },
  }
}

function createParts(options: BullQueueOptions, wake: () => void): Parts {
  const { shared, onError, lockMs = LOCK } = options
  const name = `batches-${QUEUE_VERSION}`
  const connection = shared.connect()
  const turns = createTurns(shared, `${shared.prefix}${name}:`)
  const prefix = `${shared.prefix}bull`
  const jobs = createBullJobs({ connection, prefix, name, lockMs, stalledMs: Math.ceil(lockMs / 3), onError })
  // Whoever waits for it meets the error.
  jobs.catch(onError)
  const closing = new AbortController()
  const hand = async (owner: string, tasks: readonly string[]): Promise<void> => {
    if (tasks.length === 0) return
    // What does not arrive is found by the next look, as what a process has left that ended just here.
    await inTime(
      jobs.then(async (line) => line.add(owner, tasks)),
      HAND_TIMEOUT,
    )
    wake()
  }
  const isLeaving = (): boolean => closing.signal.aborted || options.lifecycle?.draining === true
  const held = createHeldTasks({ jobs, turns, hand, isLeaving, onError })
  return { options, lockMs, replica: randomUUID(), connection, turns, jobs, held, closing, hand, wake }
}

async function push({ turns, replica, options, hand }: Parts, batch: Batch, ended?: Uint8Array): Promise<void> {
  // Before there is any replica, a window is as small as can be.
  await turns.join(replica, Math.min(options.lines, LEAST_LINES))
  await hand(batch.owner, await pushed(turns, batch, ended ?? new Uint8Array()))
}

/** Hands a batch's next step to the turns, as its status says. */
async function pushed(turns: Turns, batch: Batch, ended: Uint8Array): Promise<readonly string[]> {
  switch (batch.status) {
    case 'validating':
      return turns.pushStep(batch, 'validate')
    case 'in_progress':
      return turns.pushLines(batch, ended)
    case 'finalizing':
    case 'cancelling':
      return turns.pushStep(batch, 'finalize')
    default:
      return []
  }
}

async function claim({ connection, jobs, turns, held, replica, closing }: Parts): Promise<ClaimedTask | null> {
  for (let passed = 0; passed < MAX_PASSED_OVER && !closing.signal.aborted; passed += 1) {
    // A command would wait for as long as Redis is away.
    if (connection.status !== 'ready') return null
    const job = await (await jobs).take(`${replica}:${randomUUID()}`)
    if (job === null) return null
    // Where this cannot be found out now, the next look at what is held does.
    const [isWanted] = await turns.areWanted([job]).catch(() => [true])
    if (isWanted === true) return held.hold(job)
    await job.remove()
  }
  return null
}

/** What is done again and again, as long as the queue is open. */
interface Upkeep {
  beat(): Promise<void>
  stop(): void
}

function startUpkeep(parts: Parts): Upkeep {
  const { options, lockMs, connection } = parts
  const { onError, lookMs = LOOK_EVERY } = options
  const trouble = { at: -Infinity }
  const beat = oneAtATime(createBeat(parts, trouble), onError)
  const look = oneAtATime(createLook(parts), onError)
  const timers = [
    setInterval(() => void beat(), Math.min(BEAT_EVERY, lockMs / 4)),
    // Replicas that were started together need not look together.
    setInterval(() => void look(), lookMs * (0.8 + Math.random() * 0.4)),
  ]
  for (const timer of timers) timer.unref()
  void beat()
  connection.on('ready', () => {
    trouble.at = performance.now()
    void beat()
  })
  return { beat, stop: () => timers.forEach((timer) => clearInterval(timer)) }
}

/** Says that this replica lives, and that what it has is its own; hands on what is nobody's. */
function createBeat(parts: Parts, trouble: { at: number }) {
  const { turns, replica, options, held, jobs, lockMs, wake } = parts
  let beatAt = -Infinity
  let linesBefore = 0
  return async (): Promise<void> => {
    // Windows are twice what is taken: who takes all that he can get has twice as many the next time.
    const lines = Math.min(options.lines, Math.max(LEAST_LINES, held.mostHeld()))
    await turns.beat(replica, lines)
    if (lines > linesBefore) await handOut(parts)
    linesBefore = lines
    await held.look()
    const now = performance.now()
    if (now - beatAt > lockMs / 2) trouble.at = now
    beatAt = now
    // When Redis has been away all locks may have run out: everybody has time to say that what it has is still its own.
    if (now - trouble.at > Math.max(lockMs / 2, LEAST_GRACE)) await (await jobs).handOn()
    wake()
  }
}

/** Puts into the line what there is room for, and what is missing in it. */
async function handOut({ jobs, turns, hand }: Parts): Promise<void> {
  const { jobPrefix } = await jobs
  for (const owner of await turns.owners()) await hand(owner, await turns.lookAfter(owner, jobPrefix, JOB_EXPECTED))
}

/** Looks for what processes that ended have left behind. */
function createLook(parts: Parts) {
  const { turns, options } = parts
  let looks = 0
  return async (): Promise<void> => {
    await handOut(parts)
    looks += 1
    if (looks % LOOKS_FOR_UNENDED !== 1 && (await options.wasEmptied?.()) !== true) return
    for await (const { batch, ended } of options.unended()) {
      if (await turns.isKnown(batch)) continue
      await push(parts, batch, batch.status === 'in_progress' ? await ended() : undefined)
    }
  }
}

/** While it runs, whoever calls again waits for the same run. */
function oneAtATime(act: () => Promise<void>, onError: (error: unknown) => void): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => {
    running ??= act()
      .catch(onError)
      .finally(() => (running = null))
    return running
  }
}
