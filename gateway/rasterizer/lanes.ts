import type { Turn } from '../schedule/turn.ts'
import { createShares } from '../schedule/shares.ts'
import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { Drawer } from './drawer.ts'
import type { Task, TaskResult } from './messages.ts'

/** Where a task waits and counts. Most are quick; what proves to be slow or large moves aside, so that quick ones go on. */
export type Lane = 'quick' | 'slow' | 'large'

/** A task on its way through the pool. */
export interface Job {
  readonly task: Task
  readonly turn: Turn
  readonly onAside: () => unknown
  readonly resolve: (result: TaskResult) => void
  readonly reject: (reason: unknown) => void
  lane: Lane
  /** How long it has been drawn without a result, in milliseconds. */
  spent: number
  isAbandoned: boolean
  /** It has computed for longer than most tasks do. */
  isSlow: boolean
  /** Its drawer was ended, and the task is to be done anew. */
  isPostponed: boolean
}

/**
 * The tasks of a pool: those that wait, and which drawer is at which. At most `threads` quick ones run, and one large one
 * beside them; slow ones run where there are fewer, and one always may. A task waits only while its lane is full.
 */
export class Lanes {
  readonly #threads: number
  readonly #busy = new Map<Drawer, Job>()
  readonly #shares = createShares()
  readonly #queues = {
    quick: createTurnQueue<Job>(this.#shares),
    large: createTurnQueue<Job>(this.#shares),
    slow: createTurnQueue<Job>(this.#shares),
  }
  readonly #waiting = new Set<Job>()

  constructor(threads: number) {
    this.#threads = threads
  }

  /** The drawers that have a task, each with it. */
  get busy(): ReadonlyMap<Drawer, Job> {
    return this.#busy
  }

  get waiting(): ReadonlySet<Job> {
    return this.#waiting
  }

  /** Whether quick tasks wait. */
  get isCrowded(): boolean {
    return this.#queues.quick.size > 0
  }

  enqueue(job: Job): void {
    this.#queues[job.lane].push(job.turn, job)
    this.#waiting.add(job)
  }

  leave(job: Job): void {
    this.#queues[job.lane].remove(job)
    this.#waiting.delete(job)
  }

  clear(): void {
    for (const queue of Object.values(this.#queues)) queue.clear()
    this.#waiting.clear()
  }

  /** Takes the next job that may run now, and whose turn it is; null: there is none. */
  next(): Job | null {
    const lane = this.#openLane()
    if (lane === null) return null
    const job = this.#queues[lane].shift()
    if (job === undefined) throw new Error('a lane has lost its jobs')
    this.#waiting.delete(job)
    return job
  }

  /** Notes that a drawer is at a job; returns how to note that it has ended. The drawer stays busy. */
  begin(drawer: Drawer, job: Job): () => void {
    this.#busy.set(drawer, job)
    return this.#shares.serve(job.turn)
  }

  /** Notes that a drawer has no task any more. */
  end(drawer: Drawer): void {
    this.#busy.delete(drawer)
  }

  drawerOf(job: Job): Drawer | null {
    return this.#busy.entries().find(([, one]) => one === job)?.[0] ?? null
  }

  running(lane: Lane): number {
    return this.#busy.values().reduce((count, job) => count + (job.lane === lane ? 1 : 0), 0)
  }

  /** Returns a quick task that proved to be slow, where tasks of other requests wait for it to end; null: there is none. */
  inTheWay(): readonly [Drawer, Job] | null {
    if (!this.isCrowded) return null
    const quick = this.#waiting.values().filter(({ lane }) => lane === 'quick')
    const requests = new Set(quick.map(({ turn }) => turn.request))
    const isInTheWay = ([drawer, job]: [Drawer, Job]): boolean =>
      drawer.isBusy &&
      job.isSlow &&
      job.lane === 'quick' &&
      !job.isPostponed &&
      (requests.size > 1 || !requests.has(job.turn.request))
    return this.#busy.entries().find(isInTheWay) ?? null
  }

  /** Returns a lane in which a job waits that may run now. */
  #openLane(): Lane | null {
    const [quick, large] = [this.running('quick'), this.running('large')]
    if (this.isCrowded && quick < this.#threads) return 'quick'
    const aside = large + this.running('slow')
    if (this.#queues.large.size > 0 && large === 0 && aside < Math.max(2, this.#threads)) return 'large'
    const slowOnes = this.#busy.values().filter(({ lane, isSlow }) => lane === 'quick' && isSlow)
    const inTheWay = slowOnes.reduce((count) => count + 1, 0)
    const mayBeSlow = aside + inTheWay < Math.max(1, this.#threads - quick + inTheWay)
    return this.#queues.slow.size > 0 && mayBeSlow ? 'slow' : null
  }
}
