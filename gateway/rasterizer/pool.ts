import { GatewayError } from '../errors.ts'
import type { Turn } from '../schedule/turn.ts'
import { Crew } from './crew.ts'
import { BrokeDown, type Drawer, TookTooMuch, WasKilled } from './drawer.ts'
import { createExhausted, drawnAs } from './exhausted.ts'
import { brokeDrawer, tookTooLong, tookTooMuch } from './exhaustion-failure.ts'
import { createKnownDocuments, sha256Of } from './known-documents.ts'
import { createJob, Lanes, type Job, type Lane } from './lanes.ts'
import type { Rasterizer, RasterizerOptions, Waiting } from './rasterizer.ts'
import { createStandings } from './standings.ts'
import type { DocumentFacts, Rasterization, SharedDocument, Task, TaskResult } from './messages.ts'

export type { Rasterizer, RasterizerOptions, Waiting } from './rasterizer.ts'

const MEBIBYTE = 1024 * 1024
/** A drawer starts in half a second, and draws its first 500 pages a third slower than later ones; in 3,700 it came to hold 40 MB more. */
const DEFAULT_RECYCLE_AFTER_PAGES = 2000
/** Some minutes of work for one drawer. */
const DEFAULT_MAX_WAITING = 5000
const DEFAULT_MAX_PAGE_MEGABYTES = 576
const DEFAULT_MAX_FILE_BYTES = 100 * MEBIBYTE

/** From opening a document to asking for its first page, in milliseconds: there is a cache to look into. */
const FIRST_PAGE_WITHIN = 20
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

class RasterizerPool implements Rasterizer {
  readonly #options: RasterizerOptions
  readonly #crew: Crew
  readonly #lanes: Lanes
  readonly #exhausted = createExhausted()
  readonly #known = createKnownDocuments()
  /** Of the documents that were opened, by id. */
  readonly #opened = new Map<string, Pick<DocumentFacts, 'sha256' | 'pageObjects'>>()
  /** Those for whose first page a drawer waits: gives it that page. */
  readonly #expected = new Map<string, (job: Job) => void>()
  readonly #standings = createStandings()
  /** Documents, by id, whose last page was slow. */
  readonly #slowDocuments = new Set<string>()
  #isClosed = false

  constructor(options: RasterizerOptions) {
    this.#options = options
    this.#lanes = new Lanes(options.threads)
    const { maxImagePixels, pdfRasterizer = 'auto', maxFileBytes = DEFAULT_MAX_FILE_BYTES } = options
    const { threads: most, recycleAfterPages = DEFAULT_RECYCLE_AFTER_PAGES } = options
    const settings = { pdfRasterizer, maxImagePixels, maxMemoryBytes: this.#maxPageBytes, maxFileBytes }
    const onReady = () => this.#dispatch()
    const onFailure = (cause: unknown, isAside: boolean) => this.#couldNotStart(cause, isAside)
    this.#crew = new Crew({ settings, most, recycleAfterPages, onReady, onFailure })
  }

  async open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts> {
    const known = await this.#known.find(turn.key, document)
    signal.throwIfAborted()
    if (known !== null && !this.#isClosed) {
      this.#note(document, known)
      return known
    }
    const { maxWaiting = DEFAULT_MAX_WAITING } = this.#options
    // Pages of open documents are always let in: refusing them would waste the work done so far.
    if (this.#lanes.waiting.size >= maxWaiting) throw queueFull(this.#lanes.waiting.size)
    const task = { type: 'open', document, refused: this.#exhausted.documents } as const
    const result = await this.#run(task, { turn }, signal)
    if (result.type !== 'opened') throw new Error(`a drawer answered ${result.type} to open`)
    this.#known.note(turn.key, document, result.facts)
    return result.facts
  }

  async rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    waiting: Waiting,
    signal: AbortSignal,
  ) {
    const opened = this.#opened.get(document.id)
    const known = this.#exhausted.ofPage(drawnAs(opened?.sha256 ?? '', rasterization), page)
    if (known !== null) throw known
    // It has none for a page that is not there.
    const object = opened?.pageObjects?.[page - 1] || null
    const result = await this.#run({ type: 'rasterize', document, page, object, rasterization }, waiting, signal)
    if (result.type !== 'drawn') throw new Error(`a drawer answered ${result.type} to rasterize`)
    return result.image
  }

  forget({ id }: SharedDocument): void {
    this.#rejectWaiting(id, () => new DOMException('The document was closed.', 'AbortError'))
    this.#crew.forget(id)
    this.#opened.delete(id)
    this.#slowDocuments.delete(id)
  }

  load() {
    const { size: drawers, heldBytes: bytes } = this.#crew
    return { drawers, busy: this.#lanes.busy.size, waiting: this.#lanes.waiting.size, bytes }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const job of [...this.#lanes.busy.values(), ...this.#lanes.waiting]) job.reject(draining())
    this.#lanes.clear()
    await this.#crew.close()
  }

  #note({ id }: SharedDocument, { sha256, pageObjects }: DocumentFacts): void {
    // The files of a portfolio are not kept here.
    this.#opened.set(id, pageObjects === undefined ? { sha256 } : { sha256, pageObjects })
  }

  get #maxPageBytes(): number {
    return (this.#options.maxPageMegabytes ?? DEFAULT_MAX_PAGE_MEGABYTES) * MEBIBYTE
  }

  async #run(task: Task, { turn, onAside = () => {} }: Waiting, signal: AbortSignal): Promise<TaskResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw draining()
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
    const lane = this.#slowDocuments.has(task.document.id) ? 'slow' : 'quick'
    const job = createJob({ task, turn, onAside, resolve, reject, lane })
    if (lane === 'slow') onAside()
    this.#standings.noteSeen(turn.key)
    const abandon = () => this.#abandon(job, signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    const expected = this.#expected.get(task.document.id)
    if (expected === undefined || lane !== 'quick') this.#lanes.enqueue(job)
    else expected(job)
    this.#expected.delete(task.document.id)
    this.#dispatch()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  #rejectWaiting(documentId: string, reason: (task: Task) => unknown): void {
    for (const job of this.#lanes.waiting) {
      if (job.task.document.id !== documentId) continue
      this.#lanes.leave(job)
      job.reject(reason(job.task))
    }
  }

  /** Removes a waiting job at once. A running one keeps its drawer until that notices, for a moment at most. */
  #abandon(job: Job, reason: unknown): void {
    this.#lanes.leave(job)
    job.isAbandoned = true
    job.reject(reason)
    const drawer = this.#lanes.drawerOf(job)
    if (drawer === null) return
    drawer.abandon()
    setTimeout(() => {
      if (this.#lanes.busy.get(drawer) === job) void drawer.end()
    }, ABANDONED_FOR).unref()
  }

  #dispatch(): void {
    if (this.#isClosed) return
    const rankOf = (key: string) => this.#standings.rankOf(key)
    // A drawer takes a while to start, and is lost to a task that proves to be slow or large.
    const kept = this.#lanes.isPressed && this.#standings.areMixed() ? 1 : 0
    const highest = this.#standings.highest()
    const hasDrawer = (lane: Lane, key: string) =>
      this.#crew.hasReady(lane, lane === 'quick' && rankOf(key) === highest ? 0 : kept)
    const readiness = { hasDrawer, rankOf }
    for (let job = this.#lanes.next(readiness); job !== null; job = this.#lanes.next(readiness)) {
      void this.#give(job, this.#crew.take(job.task.document.id, job.lane))
    }
    const { quick, ...aside } = this.#lanes.wanting
    this.#crew.prepare({ quick: quick + (kept === 0 ? 0 : Math.max(0, kept - this.#backSoon)), ...aside }, kept)
    const inTheWay = this.#lanes.inTheWay()
    if (inTheWay !== null) this.#moveAside(...inTheWay)
    this.#lanes.largeInTheWay()?.stepAside()
  }

  /** The task that would have had the drawer fails: else all would wait for ever where none can start. */
  #couldNotStart(cause: unknown, isAside: boolean): void {
    const job = this.#isClosed ? null : this.#lanes.takeAny(isAside)
    if (job === null) return
    job.reject(cause)
    this.#dispatch()
  }

  /** Tasks, running or next, that are likely to give their drawers back at once. */
  get #backSoon(): number {
    const { busy, waiting } = this.#lanes
    const areSoon = ({ lane, isSlow, turn }: Job) =>
      lane === 'quick' && !isSlow && this.#standings.rankOf(turn.key) === 2
    return Number(busy.values().some(areSoon)) + Number(waiting.values().some(areSoon))
  }

  async #give(first: Job, drawer: Drawer): Promise<void> {
    for (let job: Job | null = first; job !== null; job = await this.#firstPage(job, drawer)) {
      const served = this.#lanes.begin(drawer, job)
      try {
        const result = await this.#perform(job, drawer)
        if (result.type === 'opened' && !job.isAbandoned) this.#note(job.task.document, result.facts)
        job.resolve(result)
      } catch (error) {
        await this.#failed(job, error)
      } finally {
        served()
      }
    }
    this.#lanes.end(drawer)
    this.#crew.putBack(drawer)
    if (this.#isShort) this.#crew.endOne()
    this.#dispatch()
  }

  /**
   * Waits a moment for the first page of a document that was just opened, where others wait: it would have to wait for a
   * second turn. Null when there is none.
   */
  async #firstPage({ task, lane }: Job, drawer: Drawer): Promise<Job | null> {
    const { id } = task.document
    const isWorthwhile = task.type === 'open' && lane === 'quick' && this.#lanes.isCrowded && !drawer.isOver
    if (!isWorthwhile || !this.#opened.has(id)) return null
    const { promise, resolve } = Promise.withResolvers<Job | null>()
    this.#expected.set(id, resolve)
    const limit = setTimeout(() => resolve(null), FIRST_PAGE_WITHIN)
    return promise.finally(() => {
      clearTimeout(limit)
      this.#expected.delete(id)
    })
  }

  async #perform(job: Job, drawer: Drawer): Promise<TaskResult> {
    const { task } = job
    if (drawer.isOver) {
      // The system ended it after its last task: this one is not to blame.
      job.isPostponed = true
      throw new BrokeDown('a drawer had ended before its task')
    }
    const { openTimeoutSeconds, pageTimeoutSeconds } = this.#options
    const seconds = task.type === 'open' ? openTimeoutSeconds : pageTimeoutSeconds
    const tooLong = Promise.withResolvers<never>()
    const limit = setTimeout(() => tooLong.reject(tookTooLong(task, seconds)), Math.max(0, seconds * 1000 - job.spent))
    const began = performance.now()
    const maxBytes = job.lane === 'large' ? this.#maxPageBytes : Math.min(ORDINARY_BYTES, this.#maxPageBytes)
    try {
      job.isSlow = false
      const onSlow = () => this.#foundSlow(job)
      const drawn = drawer.run({ task, maxBytes, onSlow, onGrowth: () => this.#grew(job, drawer) })
      const result = await Promise.race([drawn, tooLong.promise])
      if (!job.isSlow) this.#slowDocuments.delete(task.document.id)
      if (!job.isSlow && job.lane === 'quick') this.#standings.noteQuick(job.turn.key)
      return result
    } finally {
      job.spent += performance.now() - began
      clearTimeout(limit)
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
    if (error instanceof WasKilled && !job.wasKilled) {
      // Where it is what took all memory, it does so again, and is to blame.
      job.wasKilled = true
      return this.#again(job)
    }
    if (error instanceof TookTooMuch && lane !== 'large' && this.#maxPageBytes > ORDINARY_BYTES) {
      this.#changeLane(job, 'large')
      return this.#again(job)
    }
    const failure =
      error instanceof TookTooMuch
        ? tookTooMuch(task, this.#maxPageBytes)
        : error instanceof BrokeDown || error instanceof WasKilled
          ? brokeDrawer(task, error)
          : error
    job.reject(failure)
    if (failure instanceof GatewayError && failure.kind === 'exhausted') await this.#remember(task, failure)
  }

  #again(job: Job): void {
    job.isPostponed = false
    this.#lanes.enqueue(job)
  }

  async #remember(task: Task, failure: GatewayError): Promise<void> {
    const { id, bytes } = task.document
    const known = this.#opened.get(id)?.sha256
    if (task.type === 'open' || known === undefined) {
      return this.#exhausted.noteDocument(await sha256Of(bytes), failure)
    }
    if (!this.#exhausted.notePage(drawnAs(known, task.rasterization), task.page, failure)) return
    this.#rejectWaiting(id, (waiting) =>
      waiting.type === 'rasterize'
        ? this.#exhausted.ofPage(drawnAs(known, waiting.rasterization), waiting.page)
        : failure,
    )
  }

  /** A page is slow: its document's other pages wait behind those of others, and hold nothing that these need. */
  #foundSlow(job: Job): void {
    job.isSlow = true
    this.#standings.noteSlow(job.turn.key)
    const { id } = job.task.document
    const isPage = job.task.type === 'rasterize'
    if (isPage) this.#slowDocuments.add(id)
    for (const other of isPage ? this.#lanes.waiting : []) {
      if (other.task.document.id !== id || other.lane !== 'quick') continue
      this.#lanes.leave(other)
      this.#changeLane(other, 'slow')
      this.#lanes.enqueue(other)
    }
    job.onAside()
    this.#dispatch()
  }

  /** Lets others go first: the job goes on with the time that they leave. */
  #moveAside(drawer: Drawer, job: Job): void {
    this.#changeLane(job, 'slow')
    const aside = this.#lanes.running('slow') + this.#lanes.running('large')
    if (aside > Math.max(2, this.#options.threads)) this.#postpone(job, drawer)
    else drawer.stepAside()
    this.#dispatch()
  }

  #changeLane(job: Job, lane: Lane): void {
    job.lane = lane
    this.#standings.noteSlow(job.turn.key)
    job.onAside()
  }

  #postpone(job: Job, drawer: Drawer): void {
    job.isPostponed = true
    void drawer.end()
  }

  /** Sees to it that one task at a time takes much memory, and all together no more than they may. */
  #grew(job: Job, drawer: Drawer): void {
    const isLarge = job.lane === 'large'
    if (!isLarge && drawer.grownBytes > GROWING_BYTES && this.#lanes.running('large') === 0) {
      this.#changeLane(job, 'large')
      // Beside what others left there, it is begun anew in a drawer that holds little.
      if (drawer.heldLittle) drawer.allow(this.#maxPageBytes)
      else this.#postpone(job, drawer)
      this.#dispatch()
    }
    // All at once: what is ended takes a moment to be gone, and the others grow meanwhile.
    while (this.#isShort && this.#relieve());
  }

  /** Whether all that drawers took is nearly as much as one large page takes, for each four that are drawn at a time. */
  get #isShort(): boolean {
    const staying = this.#lanes.busy.entries().filter(([, { isPostponed }]) => !isPostponed)
    const grown = staying.reduce((sum, [{ grownBytes }]) => sum + grownBytes, this.#crew.idleBytes)
    return grown > 0.75 * this.#maxPageBytes * Math.max(1, this.#options.threads / 4)
  }

  /** Ends a drawer: an idle one, else the one whose task took most beside the large one, which has to wait. False: there is none. */
  #relieve(): boolean {
    if (this.#crew.endOne()) return true
    const [most] = [...this.#lanes.busy]
      .filter(
        ([{ grownBytes, isBusy }, { lane, isPostponed }]) =>
          isBusy && lane !== 'large' && !isPostponed && grownBytes > BLAMELESS_BYTES,
      )
      .toSorted(([one], [other]) => other.grownBytes - one.grownBytes)
    if (most === undefined) return false
    const [drawer, job] = most
    this.#changeLane(job, 'large')
    this.#postpone(job, drawer)
    return true
  }
}
