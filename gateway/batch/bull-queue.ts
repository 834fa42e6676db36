import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import { createBullJobs, inTime, type BullJobs, type TakenJob } from './bull-jobs.ts'
import type { BatchQueue, BatchTask, ClaimedTask } from './queue.ts'
import type { UnendedBatch } from './kept-rows.ts'
import { createTurns, type Turns } from './turns.ts'

/** What the queue is made with. */
export interface BullQueueOptions {
  readonly shared: SharedRedis
  /** How many lines this process takes at a time, at most. */
  readonly lines: number
  /**
   * Returns batches that have not ended, with the lines that have: all of them, in parts. Of one that the queue does not know,
   * since a process ended between two steps, the next step is pushed again.
   */
  readonly unended: () => AsyncIterable<UnendedBatch>
  /** Told of errors of the connection, and of what is tried again. */
  readonly onError: (error: Error) => void
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
/** A process whose event loop stands still for so long has lost what it had; half as long again, and others have it. */
const LOCK = 10_000
const BEAT_EVERY = 1000
const LOOK_EVERY = 5000
/** Each so many looks, at batches that the queue should know, too. */
const LOOKS_FOR_UNENDED = 4
/** A task that was handed out so long ago has a job, or the process that was to make it has ended, in milliseconds. */
const JOB_EXPECTED = 10_000
const TRY_AGAIN = 1000
/** Tasks that were taken back while they waited are passed over, so many at a time. */
const MAX_PASSED_OVER = 200
const PUT_BACK_TIMEOUT = 3000

interface Held {
  readonly job: TakenJob
  readonly lost: AbortController
  /** It is done, or put off, once Redis says so. */
  isEnding: boolean
}

/** Creates the queue that replicas share: BullMQ in Redis hands out the tasks, and Turns says when each gets into its line. */
export function createBullQueue(options: BullQueueOptions): BatchQueue {
  const { shared, lines, onError, lockMs = LOCK, lookMs = LOOK_EVERY } = options
  const name = `batches-${VERSION}`
  const connection = shared.connect()
  const turns = createTurns(shared, `${shared.prefix}${name}:`)
  const jobs = createBullJobs({
    connection,
    prefix: `${shared.prefix}bull`,
    name,
    lockMs,
    stalledMs: Math.ceil(lockMs / 3),
    onError,
  })
  // Whoever waits for it meets the error.
  jobs.catch(onError)
  const replica = randomUUID()
  const held = new Map<string, Held>()
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  const wake = (): void => listeners.forEach((listener) => listener())

  /** Puts tasks into the line, for everybody. */
  async function hand(owner: string, tasks: readonly string[]): Promise<void> {
    if (tasks.length === 0) return
    await (await jobs).add(owner, tasks)
    wake()
  }

  async function push(batch: Batch, ended?: Uint8Array): Promise<void> {
    await turns.beat(replica, lines)
    const tasks = await pushed(turns, batch, ended ?? new Uint8Array())
    await hand(batch.owner, tasks)
  }

  /** Does something with a task that is to end, again and again while Redis is away. */
  async function untilDone(task: Held, change: (taken: BullJobs) => Promise<void>): Promise<void> {
    task.isEnding = true
    for (;;) {
      try {
        if (!task.lost.signal.aborted) await change(await jobs)
        held.delete(task.job.id)
        return
      } catch (error) {
        onError(asError(error))
        if (closing.signal.aborted) return
        await delay(TRY_AGAIN, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
  }

  function claimed(job: TakenJob): ClaimedTask {
    const task: Held = { job, lost: new AbortController(), isEnding: false }
    held.set(job.id, task)
    const { owner } = job
    return {
      task: readTask(job.task),
      attempts: job.losses + 1,
      lost: task.lost.signal,
      done: () =>
        untilDone(task, async () => {
          const next = await turns.finish(job)
          await job.remove()
          await hand(owner, next)
        }),
      later: (seconds) =>
        untilDone(task, async () => {
          // In this order: a job that is still there would keep the same task from being put into the line.
          if (await job.remove()) await hand(owner, await turns.putOff(job, seconds * 1000 * (1 + Math.random() / 5)))
        }),
    }
  }

  async function claim(): Promise<ClaimedTask | null> {
    for (let passed = 0; passed < MAX_PASSED_OVER && !closing.signal.aborted; passed += 1) {
      // A command would wait for as long as Redis is away.
      if (connection.status !== 'ready') return null
      const job = await (await jobs).take(`${replica}:${randomUUID()}`)
      if (job === null) return null
      // Where this cannot be found out now, the next look at what is held does.
      const [isWanted] = await turns.areWanted([job]).catch(() => [true])
      if (isWanted === true) return claimed(job)
      await job.remove()
    }
    return null
  }

  let troubleAt = -Infinity
  let beatAt = -Infinity
  const beat = oneAtATime(async () => {
    await turns.beat(replica, lines)
    const all = [...held.values()]
    if (all.length > 0) await lookAtHeld(all, await jobs, turns)
    const now = performance.now()
    if (now - beatAt > lockMs / 2) troubleAt = now
    beatAt = now
    // When Redis has been away all locks may have run out: everybody has time to say that what it has is still its own.
    if (now - troubleAt > lockMs) await (await jobs).handOn()
    wake()
  }, onError)
  let looks = 0
  const look = oneAtATime(async () => {
    const { jobPrefix } = await jobs
    for (const owner of await turns.owners()) await hand(owner, await turns.lookAfter(owner, jobPrefix, JOB_EXPECTED))
    if (looks++ % LOOKS_FOR_UNENDED !== 0) return
    for await (const { batch, ended } of options.unended())
      if (!(await turns.isKnown(batch))) await push(batch, batch.status === 'in_progress' ? await ended() : undefined)
  }, onError)
  // Replicas that were started together need not look together.
  const timers = [setInterval(beat, Math.min(BEAT_EVERY, lockMs / 4)), setInterval(look, lookMs * (0.8 + Math.random() * 0.4))]
  for (const timer of timers) timer.unref()
  void beat()
  connection.on('ready', () => {
    troubleAt = performance.now()
    void beat()
  })

  return {
    push,
    async claim() {
      try {
        return await claim()
      } catch (error) {
        // Redis is read-only, or full: as long as it is, there is nothing to do.
        onError(asError(error))
        return null
      }
    },
    onWork(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async stop(batch) {
      await turns.stop(batch)
      await beat()
    },
    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      for (const timer of timers) clearInterval(timer)
      listeners.clear()
      // Where Redis is away they are handed on as those of a process that ended.
      await inTime(Promise.allSettled(Array.from(held.values(), ({ job }) => job.putBack())), PUT_BACK_TIMEOUT)
      await (await jobs).close()
    },
  }
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

/** Says that what this process has is still its own, and finds out what is not, or is nobody's any more. */
async function lookAtHeld(all: readonly Held[], jobs: BullJobs, turns: Turns): Promise<void> {
  const taken = new Set(await jobs.keep(all.map(({ job }) => job)))
  for (const { job, lost } of all) if (taken.has(job.id)) lose(lost, 'Another process has the task now.')
  const own = all.filter(({ isEnding, lost }) => !isEnding && !lost.signal.aborted)
  if (own.length === 0) return
  const wanted = await turns.areWanted(own.map(({ job }) => job))
  for (const [index, { job, lost, isEnding }] of own.entries()) {
    if (wanted[index] === true || isEnding) continue
    lose(lost, 'The batch was stopped.')
    await job.remove()
  }
}

function lose(lost: AbortController, reason: string): void {
  lost.abort(new DOMException(reason, 'AbortError'))
}

function readTask(task: string): BatchTask {
  const colon = task.lastIndexOf(':')
  const [batch, kind] = [task.slice(0, colon), task.slice(colon + 1)]
  return kind === 'validate' || kind === 'finalize' ? { batch, kind } : { batch, kind: 'line', line: Number(kind) }
}

/** While it runs, whoever calls again waits for the run that follows. */
function oneAtATime(act: () => Promise<void>, onError: (error: Error) => void): () => Promise<void> {
  let running: Promise<void> | null = null
  const start = (): Promise<void> => {
    running ??= act()
      .catch((error: unknown) => onError(asError(error)))
      .finally(() => (running = null))
    return running
  }
  return start
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
