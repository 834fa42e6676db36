import type { Turn } from '../schedule/turn.ts'
import { createShares } from '../schedule/shares.ts'
import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { Drawer } from './drawer.ts'
import type { Task, TaskResult } from './messages.ts'
import type { Rank } from './standings.ts'

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
  /** The system has ended a drawer that was at it. */
  wasKilled: boolean
}

/** Creates the job of a task that was not begun yet. */
export function createJob(job: Pick<Job, 'task' | 'turn' | 'onAside' | 'resolve' | 'reject' | 'lane'>): Job {
  return { ...job, spent: 0, isAbandoned: false, isSlow: false, isPostponed: false, wasKilled: false }
}

/** Which tasks can be begun. */
export interface Readiness {
  /** Whether a drawer is ready for a task of a key, in a lane. */
  readonly hasDrawer: (lane: Lane, key: string) => boolean
  readonly rankOf: (key: string) => Rank
}

/**
 * The tasks of a pool: those that wait, and which drawer is at which. At most `threads` quick ones run, and one more of a key that
 * is known for quick ones beside those of keys that are not; one large one beside them; slow ones run where there are fewer, and one always may. A task waits only while its lane is full.
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

  /** Takes the next job that may run now, for which there is a drawer, and whose turn it is; null: there is none. */
  next({ hasDrawer, rankOf }: Readiness): Job | null {
    const floor = this.#quickFloor(rankOf)
    for (const lane of ['quick', 'large', 'slow'] as const) {
      if (lane !== 'quick' && !this.#mayBegin(lane)) continue
      const mayKey = (key: string) => hasDrawer(lane, key) && (lane !== 'quick' || rankOf(key) > floor)
      const job = this.#queues[lane].shift(true, mayKey)
      if (job === undefined) continue
      this.#waiting.delete(job)
      return job
    }
    return null
  }

  /** How many jobs may run now that wait for a drawer: quick ones, and others; `light`: those of them that are large. */
  get wanting(): { readonly quick: number; readonly others: number; readonly light: number } {
    const light = this.#mayBegin('large') ? 1 : 0
    const others = light === 1 || this.#mayBegin('slow') ? 1 : 0
    return { quick: this.#places - this.running('quick'), others, light }
  }

  /** Whether tasks are in each other's way, or will be when more come. */
  get isPressed(): boolean {
    const isLong = this.#busy.values().some(({ lane, isSlow }) => isSlow || lane !== 'quick')
    return isLong || this.#busy.size + this.#waiting.size > this.#threads
  }

  /** Takes the next job of a lane, whether it may run or not; `isAside`: a quick one only where there is no other. */
  takeAny(isAside: boolean): Job | null {
    const { quick, large, slow } = this.#queues
    const queue = (isAside ? [large, slow, quick] : [quick, large, slow]).find(({ size }) => size > 0)
    const job = queue?.shift()
    if (job !== undefined) this.#waiting.delete(job)
    return job ?? null
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
    if (this.running('quick') + this.#queues.quick.size <= this.#threads) return null
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

  /** Returns the drawer of a large task that proved to be slow, where other requests have quick ones; null: there is none. */
  largeInTheWay(): Drawer | null {
    const hasOthers = ({ turn }: Job) =>
      this.#waiting.values().some((other) => other.lane === 'quick' && other.turn.request !== turn.request) ||
      this.#busy.values().some((other) => other.lane === 'quick' && other.turn.request !== turn.request)
    const found = this.#busy
      .entries()
      .find(([drawer, job]) => job.lane === 'large' && job.isSlow && !drawer.isAside && hasOthers(job))
    return found?.[0] ?? null
  }

  /**
   * The rank that a key's quick task must be above to run now. Beside a full number of others, one more may run whose
   * key is of a higher rank than all of theirs.
   */
  #quickFloor(rankOf: Readiness['rankOf']): number {
    const quick = this.running('quick')
    if (quick < this.#threads) return -Infinity
    if (quick > this.#threads) return Infinity
    const running = this.#busy.values().filter(({ lane }) => lane === 'quick')
    return Math.max(...running.map(({ turn }) => rankOf(turn.key)))
  }

  /** Quick tasks that run, and those that will when drawers are ready. */
  get #places(): number {
    const quick = this.running('quick')
    return Math.max(quick, Math.min(this.#threads, quick + this.#queues.quick.size))
  }

  #mayBegin(lane: 'large' | 'slow'): boolean {
    if (this.#queues[lane].size === 0) return false
    const large = this.running('large')
    const aside = large + this.running('slow')
    if (lane === 'large') return large === 0 && aside < Math.max(2, this.#threads)
    const slowOnes = this.#busy.values().filter((job) => job.lane === 'quick' && job.isSlow)
    const inTheWay = slowOnes.reduce((count) => count + 1, 0)
    return aside + inTheWay < Math.max(1, this.#threads - this.#places + inTheWay)
  }
}
