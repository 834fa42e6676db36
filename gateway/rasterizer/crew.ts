import { Drawer } from './drawer.ts'
import type { Lane } from './lanes.ts'
import type { DrawerSettings } from './messages.ts'

/** How long and how many drawers are kept. */
export interface CrewOptions {
  readonly settings: DrawerSettings
  /** Of those that are idle, for quick tasks and as many for slow ones. */
  readonly most: number
  /** A drawer is replaced after so many pages, which ends any leak of its libraries. */
  readonly recycleAfterPages: number
  /** Called when a drawer has started, and is ready for a task. */
  readonly onReady: () => void
  /** Called when one could not even start, nor the one before it; `isAside`: it was to give way to the others. */
  readonly onFailure: (cause: unknown, isAside: boolean) => void
}

/** How many drawers are to be ready, or to be soon: for quick tasks, and ones that give way for others. */
export interface Wanted {
  readonly quick: number
  readonly others: number
  /** Of the others, those that have to hold little. */
  readonly light: number
}

const MEBIBYTE = 2 ** 20
/** After ordinary pages a drawer holds some 150 MB, and as much more with Tesseract. */
const MAX_HELD_BYTES = 400 * MEBIBYTE
const MAX_IDLE_BYTES = 224 * MEBIBYTE
/** What a drawer holds that has just started. */
const FRESH_BYTES = 104 * MEBIBYTE
/** For how long an idle drawer is kept, in milliseconds. The last one stays, if it holds little. */
const IDLE_FOR = 10_000

/** The drawers of a pool: those that have nothing to do, and how there come to be more. */
export class Crew {
  readonly #options: CrewOptions
  readonly #all = new Set<Drawer>()
  readonly #idle = new Map<Drawer, NodeJS.Timeout>()
  readonly #starting = new Set<Drawer>()
  #kept = 0
  /** How many in a row could not even start. */
  #failedStarts = 0
  #isClosed = false

  /** No drawer is started yet. */
  constructor(options: CrewOptions) {
    this.#options = options
  }

  /** All drawers, those at work included. */
  get size(): number {
    return this.#all.size
  }

  /** Memory that all of them take, as they have said last. */
  get heldBytes(): number {
    return this.#all.values().reduce((sum, { heldBytes }) => sum + heldBytes, 0)
  }

  /** Whether a drawer is ready for a task of a lane. So many `kept` ones of those for quick tasks are left. */
  hasReady(lane: Lane, kept: number): boolean {
    if (lane === 'quick') return this.#idleOnes(false).length > kept
    return this.#asideFor(lane).length > 0 || (this.#idleOnes(false).length > kept && this.#othersFor(lane).length > 0)
  }

  /** Returns a ready drawer that has the document, else any; it gives way to the others, but for a quick task. */
  take(documentId: string, lane: Lane): Drawer {
    const isAside = lane !== 'quick'
    const fitting = isAside ? this.#asideFor(lane) : this.#idleOnes(false)
    // One that does not give way yet can be told to, and not the other way round.
    const others = isAside ? this.#othersFor(lane) : []
    // The one that rested last: the others are ended when they have rested for long.
    const drawer = fitting.find((one) => one.has(documentId)) ?? fitting.at(-1) ?? others.at(-1)
    if (drawer === undefined) throw new Error('no drawer is ready')
    this.#leave(drawer)
    if (isAside) drawer.stepAside()
    return drawer
  }

  /** Starts what is missing of the drawers that are wanted; `kept`: so many quick ones stay from now on, however long they rest. */
  prepare({ quick, others, light }: Wanted, kept: number): void {
    if (this.#isClosed) return
    this.#kept = kept
    const starting = (isAside: boolean) => [...this.#starting].filter((one) => one.isAside === isAside).length
    const aside = Math.max(others - this.#idleOnes(true).length, light - this.#asideFor('large').length)
    for (let missing = quick - this.#idleOnes(false).length - starting(false); missing > 0; missing--)
      this.#start(false)
    for (let missing = aside - starting(true); missing > 0; missing--) this.#start(true)
  }

  /** Takes a drawer back: it waits for its next task, or is ended. */
  putBack(drawer: Drawer): void {
    const { most, recycleAfterPages } = this.#options
    // What comes to one that gives way may take much beside what it holds.
    const maxHeld = drawer.isAside ? MAX_IDLE_BYTES : MAX_HELD_BYTES
    const isWorn = drawer.pagesDrawn >= recycleAfterPages || drawer.heldBytes > maxHeld
    const isTooMany = this.#idleOnes(drawer.isAside).length >= most
    if (drawer.isOver || isWorn || isTooMany || this.#isClosed) this.#end(drawer)
    else this.#rest(drawer)
  }

  /** Memory that idle drawers keep of what they have done. */
  get idleBytes(): number {
    return this.#idle.keys().reduce((sum, { heldBytes }) => sum + Math.max(0, heldBytes - FRESH_BYTES), 0)
  }

  /** Ends an idle drawer, the one that holds most if that is much, but those that are kept; false when there is none. */
  endOne(): boolean {
    const quick = this.#idleOnes(false)
    // The one that rested last is warm.
    const idle = [...this.#idleOnes(true), ...quick.slice(0, Math.max(0, quick.length - this.#kept))]
    const grown = this.#idle
      .keys()
      .filter(({ heldBytes }) => heldBytes > MAX_IDLE_BYTES)
      .toArray()
      .toSorted((one, other) => other.heldBytes - one.heldBytes)
    const drawer = grown[0] ?? idle[0]
    if (drawer !== undefined) this.#end(drawer)
    return drawer !== undefined
  }

  /** Closes a document in every drawer that has it. */
  forget(documentId: string): void {
    for (const drawer of this.#all) drawer.forget(documentId)
  }

  /** Ends all drawers. */
  async close(): Promise<void> {
    this.#isClosed = true
    const drawers = [...this.#all]
    for (const drawer of drawers) this.#leave(drawer)
    await Promise.all(drawers.map((drawer) => drawer.end()))
  }

  #start(isAside: boolean): void {
    const drawer: Drawer = new Drawer(this.#options.settings, isAside, () => {
      this.#all.delete(drawer)
      this.#leave(drawer)
    })
    this.#all.add(drawer)
    this.#starting.add(drawer)
    void this.#await(drawer)
  }

  async #await(drawer: Drawer): Promise<void> {
    const { onReady, onFailure } = this.#options
    try {
      await drawer.started()
    } catch (error) {
      if (!this.#starting.delete(drawer)) return
      this.#failedStarts += 1
      // Where memory is short, the system ends drawers that start, too.
      if (this.#failedStarts === 1 && !this.#isClosed) this.#start(drawer.isAside)
      else onFailure(error, drawer.isAside)
      return
    }
    this.#failedStarts = 0
    if (!this.#starting.delete(drawer)) return
    this.#rest(drawer)
    onReady()
  }

  #rest(drawer: Drawer): void {
    this.#idle.set(drawer, setTimeout(() => this.#retire(drawer), IDLE_FOR).unref())
  }

  #retire(drawer: Drawer): void {
    const isLast = this.#all.size === 1
    const isKept = !drawer.isAside && this.#idleOnes(false).length <= this.#kept
    if ((isLast || isKept) && !drawer.isAside && drawer.heldBytes <= MAX_IDLE_BYTES) this.#rest(drawer)
    else this.#end(drawer)
  }

  #leave(drawer: Drawer): void {
    clearTimeout(this.#idle.get(drawer))
    this.#idle.delete(drawer)
  }

  #end(drawer: Drawer): void {
    this.#leave(drawer)
    this.#starting.delete(drawer)
    this.#all.delete(drawer)
    void drawer.end()
  }

  /** Idle ones that give way, for a task of a lane. */
  #asideFor(lane: Lane): Drawer[] {
    return this.#idleOnes(true).filter(({ holdsLittle }) => lane !== 'large' || holdsLittle)
  }

  /** Idle ones that do not give way, and can be told to for a task of a lane. */
  #othersFor(lane: Lane): Drawer[] {
    const fits = ({ heldBytes, holdsLittle }: Drawer) => (lane === 'large' ? holdsLittle : heldBytes <= MAX_IDLE_BYTES)
    return this.#idleOnes(false).filter(fits)
  }

  #idleOnes(isAside: boolean): Drawer[] {
    return this.#idle
      .keys()
      .filter((drawer) => drawer.isAside === isAside)
      .toArray()
  }
}
