import { webcrypto } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import { createShares } from '../schedule/shares.ts'
import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { Turn } from '../schedule/turn.ts'
import { BrokeDown, Drawer, TookTooMuch } from './drawer.ts'
import { createExhausted } from './exhausted.ts'
import { brokeDrawer, tookTooLong, tookTooMuch } from './exhaustion-failure.ts'
import type { PdfRasterizer } from './open-pdf.ts'
import type { DocumentFacts, DrawerSettings, Rasterization, SharedDocument, Task, TaskResult } from './messages.ts'

/** Settings of a pool of drawers. */
export interface RasterizerOptions {
  /** Pages that are drawn at a time; each drawer is started when it is first needed. Slow and large ones are drawn beside them. */
  readonly threads: number
  /** Drawing and encoding one page, and opening its document again; a page that takes longer ends its drawer. */
  readonly pageTimeoutSeconds: number
  /** Opening one document. */
  readonly openTimeoutSeconds: number
  /** Pixels of one image, alone or within a PDF; checked before it is decoded. */
  readonly maxImagePixels: number
  /** What draws PDF pages; `auto` when unset. */
  readonly pdfRasterizer?: PdfRasterizer
  /** With so many tasks waiting no further document is opened. */
  readonly maxWaiting?: number
  /** A drawer is replaced after so many pages, which ends any leak of its libraries. */
  readonly recycleAfterPages?: number
  /** Memory that drawing one page may take. A page that needs more fails. */
  readonly maxPageMegabytes?: number
  /** Of the files within a portfolio together, unpacked: those beyond are named and left out. */
  readonly maxFileBytes?: number
}

/** How a page waits to be drawn. */
export interface Waiting {
  readonly turn: Turn
  /** Called when the page proves to be slow or large, and waits behind the others: once or more often. */
  readonly onAside?: () => unknown
}

/**
 * A pool of processes that open documents and draw their pages; their owners share the time of drawing. Throws
 * GatewayErrors, and the signal's reason.
 */
export interface Rasterizer {
  /** Opens a document in one drawer; others open it when they draw a page of it. */
  open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts>
  /** Draws a page, 1-based. */
  rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    waiting: Waiting,
    signal: AbortSignal,
  ): Promise<PageImage>
  /** Closes a document in every drawer that has it. */
  forget(document: SharedDocument): void
  /** Drawers that are alive, drawers that work, and tasks that wait for one. */
  load(): { readonly drawers: number; readonly busy: number; readonly waiting: number }
  /** Ends all drawers; tasks that run or wait fail with `draining`. */
  close(): Promise<void>
}

const MEBIBYTE = 1024 * 1024
/** A drawer starts in half a second; its libraries leak some 20 MB in 500 pages. */
const DEFAULT_RECYCLE_AFTER_PAGES = 500
/** Some minutes of work for one drawer. */
const DEFAULT_MAX_WAITING = 5000
const DEFAULT_MAX_PAGE_MEGABYTES = 512
const DEFAULT_MAX_FILE_BYTES = 100 * MEBIBYTE

/** A page that takes longer gives way to others: ordinary ones take a tenth. In milliseconds. */
const SLOW_AFTER = 500
/** How long a drawer may go on with what nobody waits for, in milliseconds. */
const ABANDONED_FOR = 1000
/**
 * What one page takes that is not large, in bytes: of the corpus's pages none takes 130 MB, and Tesseract, which finds out
 * which side is up, 150 MB once. Large ones are drawn one at a time.
 */
const ORDINARY_BYTES = 288 * MEBIBYTE
/** From here on a page that grows asks to be a large one. */
const GROWING_BYTES = 192 * MEBIBYTE
/** A page that has grown less is not to blame where memory is short. */
const BLAMELESS_BYTES = 64 * MEBIBYTE
/** After ordinary pages a drawer holds some 150 MB, and as much more with Tesseract. */
const MAX_HELD_BYTES = 400 * MEBIBYTE
const MAX_IDLE_BYTES = 224 * MEBIBYTE
/** What a drawer holds at most pages. */
const USUAL_BYTES = 220 * MEBIBYTE
/** For how long an idle drawer is kept, in milliseconds. The last one stays, if it holds little. */
const IDLE_FOR = 10_000

function queueFull(waiting: number): GatewayError {
  return new GatewayError('queue_full', `${waiting} pages wait to be drawn. Send the request again a little later.`)
}

function draining(): GatewayError {
  return new GatewayError('draining', 'The gateway is shutting down. Send the request again.')
}

/** Creates a pool; no drawer is started yet. */
export function createRasterizer(options: RasterizerOptions): Rasterizer {
  return new RasterizerPool(options)
}

/** Where a task waits and counts. Most are quick; what proves to be slow or large moves aside, so that quick ones go on. */
type Lane = 'quick' | 'slow' | 'large'

/** A task on its way through the pool. */
interface Job {
  readonly task: Task
  readonly turn: Turn
  readonly onAside: () => unknown
  readonly resolve: (result: TaskResult) => void
  readonly reject: (reason: unknown) => void
  lane: Lane
  /** How long it has been drawn without a result, in milliseconds. */
  spent: number
  isAbandoned: boolean
  /** Its drawer was ended, and the task is to be done anew. */
  isPostponed: boolean
}

/**
 * Invariants: at most one large task runs, and with it at most `threads` quick ones, of which one always may; slow ones run
 * where there are fewer, and one always may. A task waits only while its lane is full.
 */
class RasterizerPool implements Rasterizer {
  readonly #options: RasterizerOptions
  readonly #settings: DrawerSettings
  readonly #idle = new Map<Drawer, NodeJS.Timeout>()
  readonly #busy = new Map<Drawer, Job>()
  readonly #shares = createShares()
  readonly #waiting = {
    quick: createTurnQueue<Job>(this.#shares),
    large: createTurnQueue<Job>(this.#shares),
    slow: createTurnQueue<Job>(this.#shares),
  }
  readonly #waitingJobs = new Set<Job>()
  readonly #exhausted = createExhausted()
  /** Of the documents that were opened, by id. */
  readonly #hashes = new Map<string, string>()
  /** Documents, by id, whose last page was slow. */
  readonly #slowDocuments = new Set<string>()
  #isClosed = false

  constructor(options: RasterizerOptions) {
    this.#options = options
    const { maxImagePixels, pdfRasterizer = 'auto', maxFileBytes = DEFAULT_MAX_FILE_BYTES } = options
    this.#settings = { pdfRasterizer, maxImagePixels, maxMemoryBytes: this.#maxPageBytes, maxFileBytes }
  }

  async open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts> {
    const { maxWaiting = DEFAULT_MAX_WAITING } = this.#options
    // Pages of open documents are always let in: refusing them would waste the work done so far.
    if (this.#waitingJobs.size >= maxWaiting) throw queueFull(this.#waitingJobs.size)
    const task = { type: 'open', document, refused: this.#exhausted.documents } as const
    const result = await this.#run(task, { turn }, signal)
    if (result.type !== 'opened') throw new Error(`a drawer answered ${result.type} to open`)
    this.#hashes.set(document.id, result.facts.sha256)
    return result.facts
  }

  async rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    waiting: Waiting,
    signal: AbortSignal,
  ) {
    const known = this.#exhausted.ofPage(this.#hashes.get(document.id) ?? '', page)
    if (known !== null) throw known
    const result = await this.#run({ type: 'rasterize', document, page, rasterization }, waiting, signal)
    if (result.type !== 'drawn') throw new Error(`a drawer answered ${result.type} to rasterize`)
    return result.image
  }

  forget({ id }: SharedDocument): void {
    this.#rejectWaiting(id, () => new DOMException('The document was closed.', 'AbortError'))
    for (const drawer of this.#drawers()) drawer.forget(id)
    this.#hashes.delete(id)
    this.#slowDocuments.delete(id)
  }

  load() {
    const busy = this.#busy.size
    return { drawers: this.#idle.size + busy, busy, waiting: this.#waitingJobs.size }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const job of [...this.#busy.values(), ...this.#waitingJobs]) job.reject(draining())
    for (const queue of Object.values(this.#waiting)) queue.clear()
    this.#waitingJobs.clear()
    for (const timer of this.#idle.values()) clearTimeout(timer)
    await Promise.all(this.#drawers().map((drawer) => drawer.end()))
  }

  get #maxPageBytes(): number {
    return (this.#options.maxPageMegabytes ?? DEFAULT_MAX_PAGE_MEGABYTES) * MEBIBYTE
  }

  async #run(task: Task, { turn, onAside = () => {} }: Waiting, signal: AbortSignal): Promise<TaskResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw draining()
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
    const lane = this.#slowDocuments.has(task.document.id) ? 'slow' : 'quick'
    const job: Job = { task, turn, onAside, resolve, reject, lane, spent: 0, isAbandoned: false, isPostponed: false }
    if (lane === 'slow') onAside()
    const abandon = () => this.#abandon(job, signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    this.#enqueue(job)
    this.#dispatch()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  #enqueue(job: Job): void {
    this.#waiting[job.lane].push(job.turn, job)
    this.#waitingJobs.add(job)
  }

  #leaveQueue(job: Job): void {
    this.#waiting[job.lane].remove(job)
    this.#waitingJobs.delete(job)
  }

  #rejectWaiting(documentId: string, reason: (task: Task) => unknown): void {
    for (const job of this.#waitingJobs) {
      if (job.task.document.id !== documentId) continue
      this.#leaveQueue(job)
      job.reject(reason(job.task))
    }
  }

  /** Removes a waiting job at once. A running one keeps its drawer until that notices, for a moment at most. */
  #abandon(job: Job, reason: unknown): void {
    this.#leaveQueue(job)
    job.isAbandoned = true
    job.reject(reason)
    const drawer = this.#busy.entries().find(([, one]) => one === job)?.[0]
    if (drawer === undefined) return
    drawer.abandon()
    setTimeout(() => {
      if (this.#busy.get(drawer) === job) void drawer.end()
    }, ABANDONED_FOR).unref()
  }

  #dispatch(): void {
    for (let lane = this.#openLane(); lane !== null; lane = this.#openLane()) {
      const job = this.#waiting[lane].shift()
      if (job === undefined) throw new Error('a lane has lost its jobs')
      this.#waitingJobs.delete(job)
      void this.#give(job, this.#freeDrawer(job))
    }
  }

  /** Returns a lane in which a job waits that may run now. */
  #openLane(): Lane | null {
    if (this.#isClosed) return null
    const [quick, large] = [this.#running('quick'), this.#running('large')]
    const threads = Math.max(1, this.#options.threads - large)
    if (this.#waiting.quick.size > 0 && quick < threads) return 'quick'
    if (this.#waiting.large.size > 0 && large === 0) return 'large'
    const mayBeSlow = this.#running('slow') < Math.max(1, threads - quick)
    return this.#waiting.slow.size > 0 && mayBeSlow ? 'slow' : null
  }

  #running(lane: Lane): number {
    return this.#busy.values().reduce((count, job) => count + (job.lane === lane ? 1 : 0), 0)
  }

  /** Returns an idle drawer that has the document, else any idle drawer, else a new one. */
  #freeDrawer({ task, lane }: Job): Drawer {
    const isSlow = lane === 'slow'
    const idle = this.#idle
      .keys()
      .filter(({ isAside }) => isSlow || !isAside)
      .toArray()
    const fitting = idle.filter(({ isAside }) => isAside === isSlow)
    const drawer = fitting.find((one) => one.has(task.document.id)) ?? fitting[0] ?? idle[0] ?? this.#start()
    clearTimeout(this.#idle.get(drawer))
    this.#idle.delete(drawer)
    if (isSlow) drawer.stepAside()
    return drawer
  }

  #start(): Drawer {
    // What is of no use to this job makes room for it.
    for (const drawer of this.#idle.keys()) if (this.load().drawers >= this.#options.threads) this.#discard(drawer)
    const drawer: Drawer = new Drawer(this.#settings, () => this.#discard(drawer))
    return drawer
  }

  async #give(job: Job, drawer: Drawer): Promise<void> {
    this.#busy.set(drawer, job)
    const served = this.#shares.serve(job.turn)
    try {
      job.resolve(await this.#perform(job, drawer))
    } catch (error) {
      await this.#failed(job, error)
    } finally {
      served()
      this.#busy.delete(drawer)
      this.#keepOrEnd(drawer)
      this.#dispatch()
    }
  }

  async #perform(job: Job, drawer: Drawer): Promise<TaskResult> {
    const { task } = job
    await drawer.started()
    const { openTimeoutSeconds, pageTimeoutSeconds } = this.#options
    const seconds = task.type === 'open' ? openTimeoutSeconds : pageTimeoutSeconds
    const tooLong = Promise.withResolvers<never>()
    const limit = setTimeout(() => tooLong.reject(tookTooLong(task, seconds)), Math.max(0, seconds * 1000 - job.spent))
    const slow = setTimeout(() => this.#moveAside(job, drawer), Math.max(0, SLOW_AFTER - job.spent))
    const began = performance.now()
    const maxBytes = job.lane === 'large' ? this.#maxPageBytes : Math.min(ORDINARY_BYTES, this.#maxPageBytes)
    try {
      const drawn = drawer.run({ task, maxBytes, onGrowth: () => this.#grew(job, drawer) })
      const result = await Promise.race([drawn, tooLong.promise])
      if (performance.now() - began < SLOW_AFTER) this.#slowDocuments.delete(task.document.id)
      return result
    } finally {
      job.spent += performance.now() - began
      clearTimeout(limit)
      clearTimeout(slow)
      // Where it is still at it, its time is over.
      if (drawer.isBusy) void drawer.end()
    }
  }

  /** Says why a job failed, remembers what must not be repeated, and lets that wait anew which is not to blame. */
  async #failed(job: Job, error: unknown): Promise<void> {
    const { task, lane } = job
    // Its drawer was ended, and its client has its answer.
    if (job.isAbandoned || this.#isClosed) return
    if (job.isPostponed) return this.#again(job)
    if (error instanceof TookTooMuch && lane !== 'large' && this.#maxPageBytes > ORDINARY_BYTES) {
      this.#changeLane(job, 'large')
      return this.#again(job)
    }
    const failure =
      error instanceof TookTooMuch
        ? tookTooMuch(task, this.#maxPageBytes)
        : error instanceof BrokeDown
          ? brokeDrawer(task, error)
          : error
    job.reject(failure)
    if (failure instanceof GatewayError && failure.kind === 'exhausted') await this.#remember(task, failure)
  }

  #again(job: Job): void {
    job.isPostponed = false
    this.#enqueue(job)
  }

  async #remember(task: Task, failure: GatewayError): Promise<void> {
    const { id, bytes } = task.document
    const known = this.#hashes.get(id)
    if (task.type === 'open' || known === undefined) {
      const hash = await webcrypto.subtle.digest('SHA-256', bytes)
      return this.#exhausted.noteDocument(Buffer.from(hash).toString('hex'), failure)
    }
    if (!this.#exhausted.notePage(known, task.page, failure)) return
    this.#rejectWaiting(id, (waiting) =>
      waiting.type === 'rasterize' ? this.#exhausted.ofPage(known, waiting.page) : failure,
    )
  }

  /** Lets others go first: the job goes on while nobody else wants to work, and so do its document's other pages. */
  #moveAside(job: Job, drawer: Drawer): void {
    const { id } = job.task.document
    this.#slowDocuments.add(id)
    for (const other of this.#waitingJobs) {
      if (other.task.document.id !== id || other.lane !== 'quick') continue
      this.#leaveQueue(other)
      this.#changeLane(other, 'slow')
      this.#enqueue(other)
    }
    if (job.lane === 'quick') this.#changeLane(job, 'slow')
    if (job.lane === 'slow' && this.#running('slow') > this.#options.threads) this.#postpone(job, drawer)
    else drawer.stepAside()
    this.#dispatch()
  }

  #changeLane(job: Job, lane: Lane): void {
    job.lane = lane
    job.onAside()
  }

  #postpone(job: Job, drawer: Drawer): void {
    job.isPostponed = true
    void drawer.end()
  }

  /** Sees to it that one task at a time takes much memory, and all together no more than they may. */
  #grew(job: Job, drawer: Drawer): void {
    const isLarge = job.lane === 'large'
    if (!isLarge && drawer.grownBytes > GROWING_BYTES && this.#running('large') === 0) {
      this.#changeLane(job, 'large')
      drawer.allow(this.#maxPageBytes)
      this.#dispatch()
    }
    const held = this.#drawers().reduce((sum, { heldBytes }) => sum + heldBytes, 0)
    if (held > this.#maxPageBytes + this.#options.threads * USUAL_BYTES) this.#relieve()
  }

  /** Ends a drawer: an idle one, else the one whose task took most beside the large one, which has to wait. */
  #relieve(): void {
    const idle = this.#idle.keys().next().value
    if (idle !== undefined) return this.#discard(idle)
    const [most] = [...this.#busy]
      .filter(
        ([{ grownBytes }, { lane, isPostponed }]) => lane !== 'large' && !isPostponed && grownBytes > BLAMELESS_BYTES,
      )
      .toSorted(([one], [other]) => other.grownBytes - one.grownBytes)
    if (most === undefined) return
    const [drawer, job] = most
    this.#changeLane(job, 'large')
    this.#postpone(job, drawer)
  }

  #keepOrEnd(drawer: Drawer): void {
    const { recycleAfterPages = DEFAULT_RECYCLE_AFTER_PAGES, threads } = this.#options
    if (drawer.isOver) return
    const isWorn = drawer.pagesDrawn >= recycleAfterPages || drawer.heldBytes > MAX_HELD_BYTES
    if (isWorn || this.#isClosed || this.load().drawers >= threads) return this.#discard(drawer)
    const timer = setTimeout(() => this.#retire(drawer), IDLE_FOR).unref()
    this.#idle.set(drawer, timer)
  }

  /** Ends a drawer that nobody has needed for a while, but for the last one. */
  #retire(drawer: Drawer): void {
    const isLast = this.#idle.size === 1 && this.#busy.size === 0
    if (!isLast || drawer.isAside || drawer.heldBytes > MAX_IDLE_BYTES) this.#discard(drawer)
  }

  #discard(drawer: Drawer): void {
    clearTimeout(this.#idle.get(drawer))
    this.#idle.delete(drawer)
    void drawer.end()
  }

  #drawers(): Drawer[] {
    return [...this.#idle.keys(), ...this.#busy.keys()]
  }
}
