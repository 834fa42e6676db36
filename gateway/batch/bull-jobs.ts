import type { Redis } from 'ioredis'
import type { Job, Queue, Worker } from 'bullmq'
import { TAKE_LOCKS_BACK } from './turn-scripts.ts'
import type { OwnedTask } from './turns.ts'

/** A job of BullMQ that is this process's. */
export interface TakenJob extends OwnedTask {
  readonly id: string
  readonly token: string
  /** How often a process ended, or stood still, that had it. */
  readonly losses: number
  /** Removes it; false: it is another's by now. */
  remove(): Promise<boolean>
  /** Puts it back, to be the next. */
  putBack(): Promise<void>
}

/** The jobs of BullMQ: the one line in which all replicas take their tasks, and the locks on what they have taken. */
export interface BullJobs {
  /** Puts tasks of an owner into the line; one that is there is left as it is. */
  add(owner: string, tasks: readonly string[]): Promise<void>
  /** Takes the next job; null: there is none. */
  take(token: string): Promise<TakenJob | null>
  /** Keeps jobs; returns the ids of those that are another's by now. */
  keep(jobs: readonly TakenJob[]): Promise<readonly string[]>
  /** Puts jobs back into the line whose process does not say any more that it lives; the same replica may ask at any time. */
  handOn(): Promise<void>
  /** Begins the name of a job in Redis. */
  readonly jobPrefix: string
  close(): Promise<void>
}

/** What it is made with. */
export interface BullJobsOptions {
  /** Of its own; it is closed with the jobs. */
  readonly connection: Redis
  readonly prefix: string
  readonly name: string
  /** How long a job stays with a process that does not say that it lives, in milliseconds. */
  readonly lockMs: number
  /** How often somebody looks for jobs without a process, in milliseconds. */
  readonly stalledMs: number
  readonly onError: (error: Error) => void
}

/** BullMQ would fail a job that stalled more often; the runner does that, and says so in the line's answer. */
const MAX_STALLED = 1_000_000
/** Of BullMQ's own events nobody reads any. */
const MAX_EVENTS = 100
const CLOSE_TIMEOUT = 3000

interface JobData {
  readonly owner: string
}

/** Creates them. BullMQ is loaded here: a gateway without Redis does without. */
export async function createBullJobs(options: BullJobsOptions): Promise<BullJobs> {
  const { connection, prefix, name, lockMs, stalledMs, onError } = options
  const bullmq = await import('bullmq')
  // Its check writes to the console, and asks for a policy that a cache cannot live with.
  const shared = { connection, prefix, skipVersionCheck: true }
  const queue: Queue<JobData> = new bullmq.Queue(name, {
    ...shared,
    streams: { events: { maxLen: MAX_EVENTS } },
  })
  // Jobs are fetched by hand: the runner knows for how many it has room.
  const worker: Worker<JobData> = new bullmq.Worker(name, null, {
    ...shared,
    autorun: false,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: MAX_STALLED,
  })
  queue.on('error', onError)
  worker.on('error', onError)
  return {
    jobPrefix: queue.toKey(''),
    async add(owner, tasks) {
      if (tasks.length === 0) return
      await queue.addBulk(tasks.map((task) => ({ name: 'task', data: { owner }, opts: jobOptions(task) })))
    },
    async take(token) {
      const job = await worker.getNextJob(token, { block: false })
      return job === undefined ? null : takenJob(job, token)
    },
    async keep(jobs) {
      const [ids, tokens] = [jobs.map(({ id }) => id), jobs.map(({ token }) => token)]
      const failed = new Set<string>(await worker.extendJobLocks(ids, tokens, lockMs))
      if (failed.size === 0) return []
      const lost = jobs.filter(({ id }) => failed.has(id))
      const values = lost.flatMap(({ id, token }) => [id, token])
      const states = await TAKE_LOCKS_BACK(connection, [queue.toKey(''), lockMs, ...values])
      return lost.filter((_, index) => states[index] !== 1).map(({ id }) => id)
    },
    handOn: async () => void (await worker.getBackend().moveStalledJobsToWait()),
    async close() {
      await inTime(Promise.allSettled([worker.close(true), queue.close()]), CLOSE_TIMEOUT)
      connection.disconnect()
    },
  }
}

/** A step goes before lines: it is short, or a client waits for the end of its batch. */
function jobOptions(task: string) {
  return { jobId: task.replace(':', '-'), lifo: !/:\d+$/.test(task), removeOnComplete: true, removeOnFail: true }
}

function takenJob(job: Job<JobData>, token: string): TakenJob {
  const id = job.id ?? ''
  return {
    id,
    token,
    owner: job.data.owner,
    task: id.replace(/-(?=[^-]*$)/, ':'),
    losses: job.stalledCounter,
    async remove() {
      try {
        await job.moveToCompleted(null, token, false)
        return true
      } catch (error) {
        if (isNotOwn(error)) return false
        throw error
      }
    },
    async putBack() {
      try {
        await job.moveToWait(token)
      } catch (error) {
        if (!isNotOwn(error)) throw error
      }
    },
  }
}

/** Of the numbers that BullMQ's scripts return: no job, no lock, not being done, somebody else's lock. */
const NOT_OWN = new Set<unknown>([-1, -2, -3, -6])

function isNotOwn(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOT_OWN.has(error.code)
}

/** Waits for a promise, and for no longer than so many milliseconds. */
export async function inTime(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  const timeout = Promise.withResolvers<void>()
  const timer = setTimeout(timeout.resolve, milliseconds)
  await Promise.race([promise, timeout.promise])
  clearTimeout(timer)
}
