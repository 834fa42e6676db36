import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { getPriority, setPriority } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../errors.ts'
import { openChannel, type Channel } from './channel.ts'
import { compileCacheFolder } from './compile-cache.ts'
import { answerRequests, isInPieces, readPiece } from './given-pieces.ts'
import type { PieceRequest } from './piece-request.ts'
import type {
  BytesElsewhere,
  DrawerReply,
  DrawerRequest,
  DrawerSettings,
  OwnSettings,
  SharedDocument,
  Task,
  TaskResult,
} from './messages.ts'

const MEBIBYTE = 2 ** 20
/** Documents that a drawer keeps open beside the one it works at, and how large they may be together. */
const MAX_DOCUMENTS = 32
const MAX_DOCUMENT_BYTES = 64 * MEBIBYTE
/** On a machine that is busy with other things, in milliseconds. */
const START_TIMEOUT = 30_000

/** A drawer that has just started holds 104 MB, and after ordinary pages some 150. A task that takes all it may is begun where no more is held. */
const LITTLE_BYTES = 144 * MEBIBYTE

/**
 * Of the threads that draw. Those that are quick give way to the gateway itself, which sends what is drawn to engines: so many pages are drawn
 * ahead that it costs none. Those aside have a quarter of a quick one's share, where both want to work.
 */
const NICENESS = { quick: 6, aside: 12 }
const LOWEST_PRIORITY = 19

/** Beside the gateway's own priority, which nobody but the system's administrator may raise. */
const nicenessOf = (kind: keyof typeof NICENESS) => Math.min(LOWEST_PRIORITY, getPriority() + NICENESS[kind])

/** Thrown when a task took more memory than it may; its drawer is no more. */
export class TookTooMuch extends Error {}

/** Thrown when a task ended its drawer. */
export class BrokeDown extends Error {}

/** Thrown when the system has ended a drawer in the middle of a task, which need not be to blame: memory was short, most often. */
export class WasKilled extends Error {}

/** What runs in a drawer, and who hears of it. */
export interface Assignment {
  readonly task: Task
  /** Memory that the drawer may take beyond what it held before, in bytes. */
  readonly maxBytes: number
  /** Called when it has grown. */
  readonly onGrowth: () => void
  /** Called once when it has computed for longer than most tasks do. */
  readonly onSlow: () => void
}

interface Current {
  readonly assignment: Assignment
  readonly settle: PromiseWithResolvers<TaskResult>
  /** Why a piece of its document could not be given; what is drawn without it is not the page. */
  lost: { readonly reason: unknown } | null
}

/**
 * A process that opens documents and draws their pages, one task at a time. After a task that took too much, or broke it,
 * it is over.
 */
export class Drawer {
  readonly #process: ChildProcess
  readonly #channel: Channel<DrawerRequest>
  /** Documents that were sent here, whether or not they could be opened, and what is held of each; the one that was used last comes last. */
  readonly #documents = new Map<string, number>()
  readonly #ready = Promise.withResolvers<void>()
  #current: Current | null = null
  #heldBytes = 0
  #heldAtStart = 0
  #hasWorked = false
  #heldLittle = true
  #hasExhausted = false
  #hasBroken = false
  #isOver = false
  #isAside = false
  pagesDrawn = 0

  /**
   * `isAside`: it gives way to the others from its start. `onOver` is called once, when the process has ended for whatever
   * reason.
   */
  constructor(settings: DrawerSettings, isAside: boolean, onOver: () => void) {
    this.#isAside = isAside
    const entry = fileURLToPath(new URL('./drawer-main.ts', import.meta.url))
    const cache = compileCacheFolder()
    const own = { ...settings, niceness: nicenessOf(isAside ? 'aside' : 'quick') } satisfies OwnSettings
    this.#process = spawn(process.execPath, [...nodeOptions(entry, cache), entry, JSON.stringify(own)], {
      // A parser of untrusted bytes must not see the process's secrets. With an arena for each thread, glibc keeps twice the memory.
      env: { MALLOC_ARENA_MAX: '2', ...(cache === null ? {} : { NODE_COMPILE_CACHE: cache }) },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const socket = this.#process.stdio[3] as Socket
    const pieces = this.#process.stdio[4] as Socket
    // What it could not be sent matters to nobody when it is gone; 'close' follows.
    for (const one of [socket, pieces]) one.on('error', () => {})
    answerRequests(
      pieces,
      (request) => this.#pieceFor(request),
      () => void this.end(),
    )
    this.#channel = openChannel(socket, (reply: DrawerReply) => this.#hear(reply))
    this.#process.once('spawn', () => this.#offerToSystem())
    this.#process.once('error', (cause) => this.#close(cause, onOver))
    // Unlike 'exit', it comes after all that the process has said.
    this.#process.once('close', () => this.#close(null, onOver))
    this.#ready.promise.catch(() => {})
  }

  /** Whether it is at a task. */
  get isBusy(): boolean {
    return this.#current !== null
  }

  /** Whether it takes no more tasks. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether it gives way to the others on this machine. */
  get isAside(): boolean {
    return this.#isAside
  }

  /** Resident memory of its process, the documents that it has left out, as it last said. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Whether a task that takes all it may can begin here, and no more is held than that. One that has just started holds as little as there is. */
  get holdsLittle(): boolean {
    return !this.#hasWorked || this.#heldBytes <= LITTLE_BYTES
  }

  /** Whether it held little when the task that runs was begun. */
  get heldLittle(): boolean {
    return this.#heldLittle
  }

  /** What the task that runs has taken. */
  get grownBytes(): number {
    return this.#heldBytes - this.#heldAtStart
  }

  has(documentId: string): boolean {
    return this.#documents.has(documentId)
  }

  /** Resolves when it can be given its first task; throws when it cannot even start. */
  async started(): Promise<void> {
    const limit = setTimeout(() => void this.end(), START_TIMEOUT)
    await this.#ready.promise.finally(() => clearTimeout(limit))
  }

  /** Resolves with the task's result. Throws a GatewayError, TookTooMuch, BrokeDown or WasKilled. */
  run(assignment: Assignment): Promise<TaskResult> {
    const settle = Promise.withResolvers<TaskResult>()
    const current: Current = { assignment, settle, lost: null }
    this.#current = current
    this.#heldAtStart = this.#heldBytes
    this.#heldLittle = this.holdsLittle
    this.#hasWorked = true
    const { document } = assignment.task
    const { bytes } = document
    if (!this.#remember(document) || isInPieces(document)) this.#send(assignment, [])
    else if (bytes instanceof Uint8Array) this.#send(assignment, [bytes])
    else void this.#readAndSend(current, bytes)
    return settle.promise
  }

  #send({ task, maxBytes }: Assignment, attachments: readonly Uint8Array[]): void {
    const { document } = task
    const bytes = isInPieces(document) ? { length: document.bytes.length } : new Uint8Array()
    const request = { ...task, document: { ...document, bytes } }
    this.#channel.send({ type: 'task', task: request, maxBytes: this.#heldAtStart + maxBytes }, attachments)
  }

  async #readAndSend(current: Current, elsewhere: BytesElsewhere): Promise<void> {
    const { assignment, settle } = current
    const { id } = assignment.task.document
    try {
      const bytes = await elsewhere.read()
      // Sent after it was closed, it would never be forgotten.
      if (!this.#documents.has(id)) throw new DOMException('The document was closed.', 'AbortError')
      if (this.#current === current) this.#send(assignment, [bytes])
    } catch (error) {
      this.#documents.delete(id)
      if (this.#current === current) this.#current = null
      settle.reject(error)
    }
  }

  /** Returns a piece of the document that it works at; it may be closed meanwhile. */
  async #pieceFor(request: PieceRequest): Promise<Uint8Array | null> {
    const current = this.#current
    if (current === null || current.lost !== null) return null
    try {
      return await readPiece(current.assignment.task.document, request)
    } catch (reason) {
      current.lost = { reason }
      this.abandon()
      return null
    }
  }

  /** Lets the task that runs take more memory. */
  allow(maxBytes: number): void {
    this.#channel.send({ type: 'allow', maxBytes: this.#heldAtStart + maxBytes })
  }

  /** Asks to give up the task that runs. */
  abandon(): void {
    this.#channel.send({ type: 'abandon' })
  }

  /** Lets it work when nobody else wants to, from now on: the system lets no one take that back. */
  stepAside(): void {
    if (this.#isAside) return
    this.#isAside = true
    this.#giveWay()
  }

  #giveWay(): void {
    const { pid } = this.#process
    if (pid !== undefined) giveWay(pid)
  }

  /** Closes a document after the task that runs now. */
  forget(documentId: string): void {
    if (this.#documents.delete(documentId)) this.#channel.send({ type: 'forget', documentId })
  }

  /** Ends it at once; a task that runs fails. */
  async end(): Promise<void> {
    const isGone = this.#process.exitCode !== null || this.#process.signalCode !== null
    this.#isOver = true
    if (isGone || !this.#process.kill('SIGKILL')) return
    await once(this.#process, 'close')
  }

  #hear(reply: DrawerReply): void {
    this.#heldBytes = reply.heldBytes
    if (reply.type === 'ready') {
      // The thread that draws has begun so; those that were there before it have not.
      if (this.#isAside) this.#giveWay()
      return this.#ready.resolve()
    }
    if (reply.type === 'exhausted') {
      this.#hasExhausted = true
      return
    }
    if (reply.type === 'broke') {
      this.#hasBroken = true
      return
    }
    const current = this.#current
    if (current === null) return
    if (reply.type === 'grew') return current.assignment.onGrowth()
    if (reply.type === 'slow') return current.assignment.onSlow()
    this.#current = null
    const { task } = current.assignment
    if (task.type === 'rasterize') this.pagesDrawn++
    if (current.lost !== null) {
      // A library may remember that it could not read something.
      this.forget(task.document.id)
      return current.settle.reject(current.lost.reason)
    }
    if (reply.type !== 'failed') return current.settle.resolve(reply)
    current.settle.reject(
      new GatewayError(reply.code, reply.message, { cause: reply.cause, kind: reply.kind ?? undefined }),
    )
  }

  #close(cause: unknown, onOver: () => void): void {
    const reason = this.#whyOver(cause)
    this.#isOver = true
    this.#ready.reject(new Error('a drawer could not start', { cause }))
    this.#current?.settle.reject(reason)
    this.#current = null
    onOver()
  }

  #whyOver(cause: unknown): Error {
    if (this.#hasExhausted) return new TookTooMuch('a drawer took too much memory')
    // A drawer that was ended here is over before its process is.
    const isOwnDoing = this.#hasBroken || this.#isOver || this.#process.signalCode !== 'SIGKILL'
    return isOwnDoing ? new BrokeDown('a drawer has ended', { cause }) : new WasKilled('the system has ended a drawer')
  }

  /** Notes that a document is there, and closes those that were used least; returns whether it must be sent. */
  #remember(document: SharedDocument): boolean {
    const { id, bytes } = document
    const isNew = !this.#documents.delete(id)
    const held = isInPieces(document) ? 0 : bytes.length
    const isFull = () => this.#documents.size >= MAX_DOCUMENTS || this.#documentBytes() + held > MAX_DOCUMENT_BYTES
    for (const other of this.#documents.keys()) if (isFull()) this.forget(other)
    this.#documents.set(id, held)
    return isNew
  }

  #documentBytes(): number {
    return this.#documents.values().reduce((sum, size) => sum + size, 0)
  }

  /** Where the memory of a machine runs out, Linux ends a drawer, and not the gateway. */
  #offerToSystem(): void {
    writeFile(`/proc/${this.#process.pid}/oom_score_adj`, '1000').catch(() => {})
  }
}

/**
 * Lets a process give way to the others, but for its first thread, which does next to nothing and has to be in time: it watches how
 * much memory the others take. On Linux each thread has a priority of its own; elsewhere all have the process's.
 */
function giveWay(pid: number): void {
  try {
    const threads = process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : []
    for (const thread of threads.length > 0 ? threads.filter((id) => id !== pid) : [pid])
      setPriority(thread, nicenessOf('aside'))
  } catch {
    // It, or a thread of it, has just ended.
  }
}

/** What it needs is its own code and its libraries: it may not write other files, start programs or read anything else. */
function nodeOptions(entry: string, cache: string | null): readonly string[] {
  const sharp = fileURLToPath(import.meta.resolve('sharp'))
  const packages = sharp.slice(0, sharp.lastIndexOf('node_modules') + 'node_modules'.length)
  const code = dirname(dirname(entry))
  const readable = [code, packages].map((path) => `--allow-fs-read=${path}`)
  const writable = cache === null ? [] : [`--allow-fs-read=${cache}`, `--allow-fs-write=${cache}`]
  return ['--permission', '--allow-addons', '--allow-worker', ...readable, ...writable]
}
