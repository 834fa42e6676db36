import { setTimeout as delay } from 'node:timers/promises'
import { inTime, type BullJobs, type TakenJob } from './bull-jobs.ts'
import type { BatchTask, ClaimedTask } from './queue.ts'
import type { Turns } from './turns.ts'

/** The tasks that this process has taken, until they are done, put back or lost. */
export interface HeldTasks {
  hold(job: TakenJob): ClaimedTask
  /** Returns how many were held together at most since this was last asked. */
  mostHeld(): number
  /** Says that they are still this process's, and finds out which are not, or are nobody's any more. */
  look(): Promise<void>
  putBack(): Promise<void>
}

/** What they are held with. */
export interface HeldTasksOptions {
  readonly jobs: Promise<BullJobs>
  readonly turns: Turns
  /** Puts tasks of an owner into the line. */
  readonly hand: (owner: string, tasks: readonly string[]) => Promise<void>
  /** Whether the process stops: then what Redis cannot be told is handed on. */
  readonly isLeaving: () => boolean
  readonly onError: (error: unknown) => void
}

interface Held {
  readonly job: TakenJob
  readonly lost: AbortController
  /** It is done, or put off, once Redis says so. */
  isEnding: boolean
}

const TRY_AGAIN = 1000
const TRY_TIMEOUT = 8000
/** Of a gateway that stops: a supervisor waits. */
const LEAVING_TIMEOUT = 1500
const PUT_BACK_TIMEOUT = 3000
const LOST = 'Another process has the task now.'

/** Creates them, empty. */
export function createHeldTasks(options: HeldTasksOptions): HeldTasks {
  const { jobs, turns, hand } = options
  const held = new Map<string, Held>()
  let most = 0

  async function end(task: Held, change: () => Promise<void>): Promise<void> {
    task.isEnding = true
    await untilItWorks(async () => {
      if (!task.lost.signal.aborted) await change()
    }, options)
    held.delete(task.job.id)
  }

  return {
    hold(job) {
      const task: Held = { job, lost: new AbortController(), isEnding: false }
      held.set(job.id, task)
      most = Math.max(most, held.size)
      return {
        task: readTask(job.task),
        attempts: job.losses + 1,
        lost: task.lost.signal,
        done: () =>
          end(task, async () => {
            const next = await turns.finish(job)
            const isOwn = await job.remove()
            await hand(job.owner, next)
            if (!isOwn) lose(task.lost, LOST)
          }),
        later: (seconds) =>
          end(task, async () => {
            // In this order: a job that is still there would keep the same task from being put into the line.
            if (await job.remove()) await hand(job.owner, await turns.putOff(job, withJitter(seconds * 1000)))
          }),
      }
    },
    mostHeld() {
      const before = most
      most = held.size
      return before
    },
    async look() {
      if (held.size > 0) await lookAt([...held.values()], await jobs, turns)
    },
    async putBack() {
      const all = Array.from(held.values(), ({ job }) => job.putBack())
      // Where Redis is away they are handed on as those of a process that ended.
      await inTime(Promise.allSettled(all), PUT_BACK_TIMEOUT)
    },
  }
}

/** Those that were put off for the same reason need not all come back at once. */
const withJitter = (milliseconds: number): number => milliseconds * (1 + Math.random() / 5)

async function lookAt(all: readonly Held[], jobs: BullJobs, turns: Turns): Promise<void> {
  const taken = new Set(await jobs.keep(all.map(({ job }) => job)))
  for (const { job, lost } of all) if (taken.has(job.id)) lose(lost, LOST)
  const own = all.filter(({ isEnding, lost }) => !isEnding && !lost.signal.aborted)
  if (own.length === 0) return
  const wanted = await turns.areWanted(own.map(({ job }) => job))
  for (const [index, { job, lost, isEnding }] of own.entries()) {
    if (wanted[index] === true || isEnding) continue
    lose(lost, 'The batch was stopped, or the task was done by a process that had lost it.')
    await job.remove()
  }
}

function lose(lost: AbortController, reason: string): void {
  lost.abort(new DOMException(reason, 'AbortError'))
}

/** Does something again and again while Redis is away: a second time does no harm. */
async function untilItWorks(act: () => Promise<void>, { isLeaving, onError }: HeldTasksOptions): Promise<void> {
  for (;;) {
    try {
      return await within(act(), isLeaving() ? LEAVING_TIMEOUT : TRY_TIMEOUT)
    } catch (error) {
      onError(error)
      if (isLeaving()) return
      await delay(TRY_AGAIN)
    }
  }
}

/** A command to BullMQ waits for as long as Redis is away. */
async function within(act: Promise<void>, milliseconds: number): Promise<void> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error('Redis does not answer.')), milliseconds)
  try {
    await Promise.race([act, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

function readTask(task: string): BatchTask {
  const colon = task.lastIndexOf(':')
  const [batch, kind] = [task.slice(0, colon), task.slice(colon + 1)]
  return kind === 'validate' || kind === 'finalize' ? { batch, kind } : { batch, kind: 'line', line: Number(kind) }
}
