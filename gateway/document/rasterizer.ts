import { GatewayError } from '../errors.ts'
import type { PageImage } from '../page/page.ts'
import type { DocumentFacts, Rasterization, SharedDocument, Task, TaskResult } from './rasterizer-messages.ts'
import { RasterizerThread } from './rasterizer-thread.ts'

/** What a pool of rasterizer threads is created with. */
export interface RasterizerOptions {
  /** Most threads at a time; each is started when it is first needed. */
  readonly threads: number
  /** Drawing and encoding one page; a page that takes longer ends its thread. */
  readonly pageTimeoutSeconds: number
  /** Opening one document in one thread. */
  readonly openTimeoutSeconds: number
  /** Pixels of one image, alone or within a PDF, before it is decoded. */
  readonly maxImagePixels: number
  /** A thread is replaced after so many pages: what its libraries may leak ends with it. */
  readonly recycleAfterPages?: number
  /** JavaScript memory of one thread; pixels and document bytes lie outside of it. A page that needs more fails. */
  readonly maxHeapMegabytes?: number
}

/** A pool of threads that open documents and draw their pages. Throws GatewayErrors, and the signal's reason. */
export interface Rasterizer {
  /** Opens a document in one thread; other threads open it when they draw a page of it. */
  open(document: SharedDocument, signal: AbortSignal): Promise<DocumentFacts>
  /** Draws a page, 1-based. */
  rasterize(
    document: SharedDocument,
    page: number,
    rasterization: Rasterization,
    signal: AbortSignal,
  ): Promise<PageImage>
  /** Closes a document in every thread that has it. */
  forget(document: SharedDocument): void
  /** How much there is to do: threads alive, those at work, tasks that wait for one. */
  load(): { readonly threads: number; readonly busy: number; readonly waiting: number }
  /** Ends all threads; tasks that run or wait fail with `draining`. */
  close(): Promise<void>
}

const DEFAULT_RECYCLE_AFTER_PAGES = 1000
const DEFAULT_MAX_HEAP_MEGABYTES = 1024

/** Ordinary pages leave 50 to 170 MB behind for the collector; a decompression bomb leaves what it held. */
const MAX_HELD_BYTES = 512 * 1024 * 1024

/** Creates a pool; no thread is started yet. */
export function createRasterizer(options: RasterizerOptions): Rasterizer {
  return new RasterizerPool(options)
}

/** A task on its way through the pool. */
interface Job {
  readonly task: Task
  readonly abandoned: Int32Array<SharedArrayBuffer>
  readonly resolve: (result: TaskResult) => void
  readonly reject: (reason: unknown) => void
}

/** Invariant: a job waits only while every thread is busy and there are as many as there may be. */
class RasterizerPool implements Rasterizer {
  readonly #options: RasterizerOptions
  readonly #idle = new Set<RasterizerThread>()
  readonly #busy = new Map<RasterizerThread, Job>()
  #waiting: Job[] = []
  #isClosed = false

  constructor(options: RasterizerOptions) {
    this.#options = options
  }

  async open(document: SharedDocument, signal: AbortSignal): Promise<DocumentFacts> {
    const result = await this.#run({ type: 'open', document }, signal)
    if (result.type !== 'opened') throw new Error(`a thread answered ${result.type} to open`)
    return result.facts
  }

  async rasterize(document: SharedDocument, page: number, rasterization: Rasterization, signal: AbortSignal) {
    const result = await this.#run({ type: 'rasterize', document, page, rasterization }, signal)
    if (result.type !== 'drawn') throw new Error(`a thread answered ${result.type} to rasterize`)
    return result.image
  }

  forget(document: SharedDocument): void {
    const orphans = this.#waiting.filter((job) => job.task.document.id === document.id)
    this.#waiting = this.#waiting.filter((job) => job.task.document.id !== document.id)
    for (const job of orphans) job.reject(new DOMException('The document was closed.', 'AbortError'))
    for (const thread of this.#threads()) thread.forget(document.id)
  }

  load() {
    const busy = this.#busy.size
    return { threads: this.#idle.size + busy, busy, waiting: this.#waiting.length }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const draining = new GatewayError('draining', 'The gateway is shutting down. Send the request again.')
    for (const job of [...this.#busy.values(), ...this.#waiting]) job.reject(draining)
    this.#waiting = []
    await Promise.all(this.#threads().map((thread) => thread.end()))
  }

  async #run(task: Task, signal: AbortSignal): Promise<TaskResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw new GatewayError('draining', 'The gateway is shutting down. Send the request again.')
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
    const job: Job = { task, abandoned: new Int32Array(new SharedArrayBuffer(4)), resolve, reject }
    const abandon = () => this.#abandon(job, signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    this.#waiting.push(job)
    this.#dispatch()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  /** A waiting job leaves at once; one that runs keeps its thread until the thread notices or its time is up. */
  #abandon(job: Job, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== job)
    Atomics.store(job.abandoned, 0, 1)
    job.reject(reason)
  }

  #dispatch(): void {
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      const thread = this.#freeThread(job.task.document.id)
      if (thread === null) return
      this.#waiting.shift()
      void this.#give(job, thread)
    }
  }

  /** An idle thread that has the document, else one that is idle, else a new one, else null. */
  #freeThread(documentId: string): RasterizerThread | null {
    const idle = this.#idle.values()
    const thread = idle.find((one) => one.documentIds.has(documentId)) ?? this.#idle.values().next().value
    if (thread !== undefined) return thread
    return this.#busy.size < this.#options.threads ? this.#start() : null
  }

  #start(): RasterizerThread {
    const { maxImagePixels, maxHeapMegabytes = DEFAULT_MAX_HEAP_MEGABYTES } = this.#options
    const limits = { ...this.#options, maxHeapMegabytes }
    const thread: RasterizerThread = new RasterizerThread({ maxImagePixels }, limits, () => {
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
