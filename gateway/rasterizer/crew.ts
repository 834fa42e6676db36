import { Drawer } from './drawer.ts'
import type { DrawerSettings } from './messages.ts'

/** How long and how many drawers are kept. */
export interface CrewOptions {
  readonly settings: DrawerSettings
  /** Of those that are idle, for quick tasks and as many for slow ones. */
  readonly most: number
  /** A drawer is replaced after so many pages, which ends any leak of its libraries. */
  readonly recycleAfterPages: number
}

const MEBIBYTE = 2 ** 20
/** After ordinary pages a drawer holds some 150 MB, and as much more with Tesseract. */
const MAX_HELD_BYTES = 400 * MEBIBYTE
const MAX_IDLE_BYTES = 224 * MEBIBYTE
/** For how long an idle drawer is kept, in milliseconds. The last one stays, if it holds little. */
const IDLE_FOR = 10_000

/** The drawers of a pool: those that have nothing to do, and how there come to be more. */
export class Crew {
  readonly #options: CrewOptions
  readonly #all = new Set<Drawer>()
  readonly #idle = new Map<Drawer, NodeJS.Timeout>()
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

  /** Returns an idle drawer that has the document, else any, else a new one; `isSlow`: one that gives way to the others. */
  take(documentId: string, isSlow: boolean): Drawer {
    const fitting = this.#idleOnes(isSlow)
    // One that does not give way yet can be told to, and not the other way round.
    const others = isSlow ? this.#idleOnes(false) : []
    // The one that rested last: the others are ended when they have rested for long.
    const drawer = fitting.find((one) => one.has(documentId)) ?? fitting.at(-1) ?? others.at(-1) ?? this.#start()
    this.#leave(drawer)
    if (isSlow) drawer.stepAside()
    return drawer
  }

  /** Takes a drawer back: it waits for its next task, or is ended. */
  putBack(drawer: Drawer): void {
    const { most, recycleAfterPages } = this.#options
    const isWorn = drawer.pagesDrawn >= recycleAfterPages || drawer.heldBytes > MAX_HELD_BYTES
    const isTooMany = this.#idleOnes(drawer.isAside).length >= most
    if (drawer.isOver || isWorn || isTooMany || this.#isClosed) this.#end(drawer)
    else this.#rest(drawer)
  }

  /** Has a drawer started ahead, as one may be lost at any time. */
  keepSpare(): void {
    if (!this.#isClosed && this.#idleOnes(false).length === 0) this.#rest(this.#start())
  }

  /** Ends an idle drawer; false when there is none. */
  endOne(): boolean {
    const [drawer] = [...this.#idleOnes(true), ...this.#idleOnes(false)]
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

  #start(): Drawer {
    const drawer: Drawer = new Drawer(this.#options.settings, () => {
      this.#all.delete(drawer)
      this.#leave(drawer)
    })
    this.#all.add(drawer)
    return drawer
  }

  #rest(drawer: Drawer): void {
    this.#idle.set(drawer, setTimeout(() => this.#retire(drawer), IDLE_FOR).unref())
  }

  #retire(drawer: Drawer): void {
    const isLast = this.#all.size === 1
    if (!isLast || drawer.isAside || drawer.heldBytes > MAX_IDLE_BYTES) this.#end(drawer)
    else this.#rest(drawer)
  }

  #leave(drawer: Drawer): void {
    clearTimeout(this.#idle.get(drawer))
    this.#idle.delete(drawer)
  }

  #end(drawer: Drawer): void {
    this.#leave(drawer)
    this.#all.delete(drawer)
    void drawer.end()
  }

  #idleOnes(isAside: boolean): Drawer[] {
    return this.#idle
      .keys()
      .filter((drawer) => drawer.isAside === isAside)
      .toArray()
  }
}
