import { GatewayError } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { Turn } from '../schedule/turn.ts'
import type { PdfRasterizer } from './open-pdf.ts'
import type { DocumentFacts, Rasterization, SharedDocument, Task, TaskResult } from './messages.ts'
import { RasterizerThread } from './thread.ts'

/** Settings of a pool of rasterizer threads. */
export interface RasterizerOptions {
  /** Most threads at a time; each is started when it is first needed. */
  readonly threads: number
  /** Drawing and encoding one page; a page that takes longer ends its thread. */
  readonly pageTimeoutSeconds: number
  /** Opening one document in one thread. */
  readonly openTimeoutSeconds: number
  /** Pixels of one image, alone or within a PDF; checked before it is decoded. */
  readonly maxImagePixels: number
  /** What draws PDF pages; `auto` when unset. */
  readonly pdfRasterizer?: PdfRasterizer
  /** With so many tasks waiting no further document is opened. */
  readonly maxWaiting?: number
  /** A thread is replaced after so many pages, which ends any leak of its libraries. */
  readonly recycleAfterPages?: number
  /**
   * JavaScript memory of one thread, and PDFium's beside it; pixels and document bytes lie outside of both. A page that
   * needs more fails.
   */
  readonly maxHeapMegabytes?: number
  /** Of the files within a portfolio together, unpacked: those beyond are named and left out. */
  readonly maxFileBytes?: number
}

/**
 * A pool of threads that open documents and draw their pages; their owners take turns. Throws GatewayErrors, and the
 * signal's reason.
 */
export interface Rasterizer {
  /** Opens a document in one thread; other threads open it when they draw a page of it. */
  open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts>
  /** Draws a page, 1-based. */
  rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<PageImage>
  /** Closes a document in every thread that has it. */
  forget(document: SharedDocument): void
  /** Threads that are alive, threads that work, and tasks that wait for a thread. */
  load(): { readonly threads: number; readonly busy: number; readonly waiting: number }
  /** Ends all threads; tasks that run or wait fail with `draining`. */
  close(): Promise<void>
}

const MEBIBYTE = 1024 * 1024
/** A thread starts in a third of a second; its libraries leak some 20 MB in 500 pages. */
const DEFAULT_RECYCLE_AFTER_PAGES = 500
/** Some minutes of work for one thread. */
const DEFAULT_MAX_WAITING = 5000
const DEFAULT_MAX_HEAP_MEGABYTES = 1024
const DEFAULT_MAX_FILE_BYTES = 100 * MEBIBYTE

/** After ordinary pages a thread holds 50 to 170 MB of garbage; after a decompression bomb, all that it unpacked. */
const MAX_HELD_BYTES = 512 * MEBIBYTE

function queueFull(waiting: number): GatewayError {
  return new GatewayError('queue_full', `${waiting} pages wait to be drawn. Send the request again a little later.`)
}

/** Creates a pool; no thread is started yet. */
export function createRasterizer(options: RasterizerOptions): Rasterizer {
  return new RasterizerPool(options)
}

/** A task on its way through the pool. */
interface Job {
  readonly task: Task
  readonly turn: Turn
  readonly abandoned: Int32Array<SharedArrayBuffer>
  readonly resolve: (result: TaskResult) => void
  readonly reject: (reason: unknown) => void
}

/** Invariant: a job waits only while every thread is busy and there are as many as there may be. */
class RasterizerPool implements Rasterizer {
  readonly #options: RasterizerOptions
  readonly #idle = new Set<RasterizerThread>()
  readonly #busy = new Map<RasterizerThread, Job>()
  readonly #waiting = createTurnQueue<Job>()
  /** The jobs in the queue, by document. */
  readonly #waitingJobs = new Set<Job>()
  #isClosed = false

  constructor(options: RasterizerOptions) {
    this.#options = options
  }

  async open(document: SharedDocument, turn: Turn, signal: AbortSignal): Promise<DocumentFacts> {
    const { maxWaiting = DEFAULT_MAX_WAITING } = this.#options
    // Pages of open documents are always let in: refusing them would waste the work done so far.
    if (this.#waiting.size >= maxWaiting) throw queueFull(this.#waiting.size)
    const result = await this.#run({ type: 'open', document }, turn, signal)
    if (result.type !== 'opened') throw new Error(`a thread answered ${result.type} to open`)
    return result.facts
  }

  async rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    turn: Turn,
    signal: AbortSignal,
  ) {
    const result = await this.#run({ type: 'rasterize', document, page, rasterization }, turn, signal)
    if (result.type !== 'drawn') throw new Error(`a thread answered ${result.type} to rasterize`)
    return result.image
  }

  forget(document: SharedDocument): void {
    for (const job of this.#waitingJobs) {
      if (job.task.document.id !== document.id) continue
      this.#leaveQueue(job)
      job.reject(new DOMException('The document was closed.', 'AbortError'))
    }
    for (const thread of this.#threads()) thread.forget(document.id)
  }

  load() {
    const busy = this.#busy.size
    return { threads: this.#idle.size + busy, busy, waiting: this.#waiting.size }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const draining = new GatewayError('draining', 'The gateway is shutting down. Send the request again.')
    for (const job of [...this.#busy.values(), ...this.#waiting.clear()]) job.reject(draining)
    await Promise.all(this.#threads().map((thread) => thread.end()))
  }

  async #run(task: Task, turn: Turn, signal: AbortSignal): Promise<TaskResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new GatewayError('draining', 'The gateway is shutting down. Send the request again.')
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
    const job: Job = { task, turn, abandoned: new Int32Array(new SharedArrayBuffer(4)), resolve, reject }
    const abandon = () => this.#abandon(job, signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    this.#waiting.push(turn, job)
    this.#waitingJobs.add(job)
    this.#dispatch()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  /** Removes a waiting job at once. A running one keeps its thread until the thread notices, or its time is up. */
  #abandon(job: Job, reason: unknown): void {
    this.#leaveQueue(job)
    Atomics.store(job.abandoned, 0, 1)
    job.reject(reason)
  }

  #leaveQueue(job: Job): void {
    this.#waiting.remove(job)
    this.#waitingJobs.delete(job)
  }

  #dispatch(): void {
    while (this.#idle.size > 0 || this.#busy.size < this.#options.threads) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      this.#waitingJobs.delete(job)
      void this.#give(job, this.#freeThread(job.task.document.id))
    }
  }

  /** Returns an idle thread that has the document, else any idle thread, else a new one. */
  #freeThread(documentId: string): RasterizerThread {
    const idle = this.#idle.values()
    return idle.find((one) => one.documentIds.has(documentId)) ?? this.#idle.values().next().value ?? this.#start()
  }

  #start(): RasterizerThread {
    const { maxHeapMegabytes = DEFAULT_MAX_HEAP_MEGABYTES, maxFileBytes = DEFAULT_MAX_FILE_BYTES } = this.#options
    const { maxImagePixels, pdfRasterizer = 'auto' } = this.#options
    const limits = { ...this.#options, maxHeapMegabytes }
    const data = { pdfRasterizer, maxImagePixels, maxMemoryBytes: maxHeapMegabytes * MEBIBYTE, maxFileBytes }
    const thread: RasterizerThread = new RasterizerThread(data, limits, () => {
      this.#idle.delete(thread)
    })
    return thread
  }

  async #give(job: Job, thread: RasterizerThread): Promise<void> {
    this.#idle.delete(thread)
    this.#busy.set(thread, job)
    try {
      job.resolve(await thread.run(job.task, job.abandoned))
    } catch (error) {
      job.reject(error)
    } finally {
      this.#busy.delete(thread)
      this.#keepOrEnd(thread)
      this.#dispatch()
    }
  }

  #keepOrEnd(thread: RasterizerThread): void {
    const { recycleAfterPages = DEFAULT_RECYCLE_AFTER_PAGES } = this.#options
    const isWorn = thread.pagesDrawn >= recycleAfterPages || thread.heldBytes > MAX_HELD_BYTES
    if (isWorn || this.#isClosed) void thread.end()
    else if (!thread.isOver) this.#idle.add(thread)
  }

  #threads(): RasterizerThread[] {
    return [...this.#idle, ...this.#busy.keys()]
  }
}
