import { Worker } from 'node:worker_threads'
import { GatewayError } from '../errors.ts'
import type { Task, TaskResult, ThreadData, ThreadReply, ThreadRequest } from './messages.ts'

/**
 * Without a limit, V8 lets the young generation grow until its buffers are hundreds of megabytes, which only a
 * collection frees. With this one a thousand pages take the memory of a hundred, and pages are drawn faster.
 */
const YOUNG_GENERATION_MEGABYTES = 24

/** How long the two parts of a task may take, and how much memory the thread may use. */
export interface ThreadLimits {
  /** Starting the thread, if it is new, and opening the document, if the thread does not have it open. */
  readonly openTimeoutSeconds: number
  /** Drawing and encoding the page. */
  readonly pageTimeoutSeconds: number
  readonly maxHeapMegabytes: number
}

/**
 * One worker thread, for one task at a time. After a task that took too long or broke it, it is ended and not reused.
 */
export class RasterizerThread {
  /** Documents that were sent here, whether or not they could be opened. */
  readonly documentIds = new Set<string>()
  pagesDrawn = 0
  /** As the thread said after its last task. */
  heldBytes = 0
  readonly #worker: Worker
  readonly #limits: ThreadLimits
  #isReady = false
  #isOver = false

  /** `onOver` is called once, when the thread has ended for whatever reason. */
  constructor(data: ThreadData, limits: ThreadLimits, onOver: () => void) {
    this.#limits = limits
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'rasterizer',
      workerData: data,
      // A parser of untrusted bytes must not see the process's secrets.
      env: {},
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: limits.maxHeapMegabytes,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MEGABYTES,
      },
    })
    // Without this listener the event would end the process. A running task has its own listener; 'exit' follows.
    this.#worker.on('error', () => {})
    this.#worker.once('message', () => {
      this.#isReady = true
    })
    this.#worker.once('exit', () => {
      this.#isOver = true
      onOver()
    })
  }

  /** Whether the thread takes no more tasks. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Resolves with the task's result; throws a GatewayError, or a plain Error when the thread cannot even start.
   * `abandoned[0] = 1` asks the thread to give the task up.
   */
  run(task: Task, abandoned: Int32Array<SharedArrayBuffer>): Promise<TaskResult> {
    this.documentIds.add(task.document.id)
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>()
    const worker = this.#worker
    let limit = this.#limit(this.#limits.openTimeoutSeconds, () => reject(openTimeout(this.#limits)))
    const onMessage = (reply: ThreadReply) => {
      if (reply.type === 'ready') return
      if (reply.type === 'drawing') {
        clearTimeout(limit)
        limit = this.#limit(this.#limits.pageTimeoutSeconds, () => reject(pageTimeout(task, this.#limits)))
        return
      }
      this.heldBytes = reply.heldBytes
      if (reply.type === 'failed') reject(new GatewayError(reply.code, reply.message, { cause: reply.cause }))
      else resolve(reply)
    }
    const onError = (error: unknown) => this.#end(() => reject(this.#breakdown(task, error)))
    const onExit = () => reject(this.#breakdown(task, null))
    worker.on('message', onMessage).once('error', onError).once('exit', onExit)
    this.#send({ type: 'task', task, abandoned })
    return promise.finally(() => {
      clearTimeout(limit)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      if (task.type === 'rasterize') this.pagesDrawn++
    })
  }

  /** Closes a document after the task that runs now. */
  forget(documentId: string): void {
    if (this.documentIds.delete(documentId)) this.#send({ type: 'forget', documentId })
  }

  /** Ends the thread at once; a task that runs fails. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#worker.terminate()
  }

  #end(then: () => void): void {
    this.#isOver = true
    void this.#worker.terminate()
    then()
  }

  #breakdown(task: Task, cause: unknown): Error {
    return this.#isReady ? crash(task, cause) : new Error('a rasterizer thread could not start', { cause })
  }

  #limit(seconds: number, fail: () => void): NodeJS.Timeout {
    return setTimeout(() => this.#end(fail), seconds * 1000)
  }

  #send(request: ThreadRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is about windows, not threads
    this.#worker.postMessage(request)
  }
}

function openTimeout({ openTimeoutSeconds }: ThreadLimits): GatewayError {
  const message = `Opening the document took longer than ${openTimeoutSeconds} s. It is damaged or built to be slow: save it anew, or split it.`
  return new GatewayError('document_unreadable', message)
}

function pageTimeout(task: Task, { pageTimeoutSeconds }: ThreadLimits): GatewayError {
  const message = `${pageName(task)} took longer than ${pageTimeoutSeconds} s to draw. Simplify it, or leave it out with ocr.pages.`
  return new GatewayError('page_timeout', message)
}

function crash(task: Task, cause: unknown): GatewayError {
  const what = task.type === 'open' ? 'The document could not be opened' : `${pageName(task)} could not be drawn`
  const message = `${what}: it broke the program that draws pages, or needs more memory than one page may take. Save it anew, or split it.`
  return new GatewayError('document_unreadable', message, { cause })
}

function pageName(task: Task): string {
  return task.type === 'rasterize' ? `Page ${task.page}` : 'The document'
}
