import { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { openChannel } from './channel.ts'
import type { DrawerReply, DrawerRequest, OwnSettings, TaskState, ThreadReply, ThreadRequest } from './messages.ts'

// The entry of a drawer: a process that opens documents and draws their pages, and that is killed without harm. A thread
// of it draws; this one watches how much memory the process takes, and hears when a task is not wanted any more.

/** In milliseconds. In such a time a decompression bomb unpacks some 20 MB. */
const WATCH_INTERVAL = 10
/**
 * A task that takes more of the processor gives way to others, in microseconds. Ordinary pages take the thread that draws a
 * fifth of it, and half of it in a drawer that has just started; the threads in which V8 compiles take as much again. It
 * is not the time on the clock, or everything would be slow on a busy machine.
 */
const SLOW_AFTER = 300_000
/** Of the whole process: libraries with threads of their own may take it while the thread that draws waits. */
const SLOW_AFTER_TOGETHER = 600_000
/** Growth that is worth a message. */
const NOTEWORTHY_BYTES = 8 * 2 ** 20
/**
 * Without a limit, V8 lets the young generation grow until its buffers are hundreds of megabytes, which only a
 * collection frees. With this one a thousand pages take the memory of a hundred, and pages are drawn faster.
 */
const YOUNG_GENERATION_MEGABYTES = 24
const MEBIBYTE = 2 ** 20

// Otherwise V8 looks through all of its heap whenever pixels have taken 64 MB: with every page of a scan, or more often.
setFlagsFromString('--external-memory-accounted-in-global-limit')

const settings: OwnSettings = JSON.parse(process.argv[2]!)
const socket = new Socket({ fd: 3 })
const documents = new Map<string, Uint8Array<SharedArrayBuffer>>()
const thread = new Worker(new URL('./thread.ts', import.meta.url), {
  workerData: settings,
  execArgv: [],
  resourceLimits: {
    maxOldGenerationSizeMb: settings.maxMemoryBytes / MEBIBYTE,
    maxYoungGenerationSizeMb: YOUNG_GENERATION_MEGABYTES,
  },
})
const channel = openChannel<DrawerReply, DrawerRequest>(socket, receive, shared)
let state = newState()
let maxBytes = Infinity
let reported = 0
let began = process.cpuUsage()
let isAsked = false
let isSlow = false
let watching: NodeJS.Timeout | null = null

thread.on('message', (reply: ThreadReply) => {
  if (watching !== null) clearInterval(watching)
  watching = null
  send(reply)
})
// Out of JavaScript's memory, most often. The gateway starts another drawer.
thread.on('error', () => endBroken())
thread.on('exit', () => endBroken())
// The gateway has gone, in whatever way: nobody wants what is being drawn.
socket.on('close', () => end())
socket.on('error', () => end())

function receive(request: DrawerRequest, [bytes]: readonly Uint8Array[]): void {
  if (request.type === 'abandon') Atomics.store(state.abandoned, 0, 1)
  else if (request.type === 'allow') ({ maxBytes } = request)
  else if (request.type === 'forget') {
    documents.delete(request.documentId)
    post(request)
  } else perform(request, bytes as Uint8Array<SharedArrayBuffer> | undefined)
}

function perform(
  { task, maxBytes: allowed }: DrawerRequest & { readonly type: 'task' },
  fresh?: Uint8Array<SharedArrayBuffer>,
): void {
  const { id, bytes: asked } = task.document
  if (fresh !== undefined) documents.set(id, fresh)
  const bytes = asked instanceof Uint8Array ? documents.get(id) : asked
  if (bytes === undefined) throw new Error('a task came without its document')
  state = newState()
  maxBytes = allowed
  reported = heldBytes()
  began = process.cpuUsage()
  isSlow = false
  watching = setInterval(watch, WATCH_INTERVAL)
  post({ type: 'task', task: { ...task, document: { ...task.document, bytes } }, state })
}

function watch(): void {
  const together = total(process.cpuUsage(began))
  if (together > SLOW_AFTER_TOGETHER) foundSlow()
  else if (together > SLOW_AFTER) void watchThread()
  const held = heldBytes()
  if (held > maxBytes) {
    // A small message goes out at once, and outlives its sender.
    channel.send({ type: 'exhausted', heldBytes: held })
    end()
  } else if (held - reported > NOTEWORTHY_BYTES) {
    reported = held
    channel.send({ type: 'grew', heldBytes: held })
  }
}

/** The thread answers while it computes, but for a library that lets nobody interrupt it. */
async function watchThread(): Promise<void> {
  if (isAsked) return
  isAsked = true
  const task = watching
  const { began } = state
  const taken = total(await thread.cpuUsage()) - began[0]!
  isAsked = false
  if (watching === task && taken > SLOW_AFTER) foundSlow()
}

function foundSlow(): void {
  if (isSlow) return
  isSlow = true
  channel.send({ type: 'slow', heldBytes: heldBytes() })
}

const total = ({ user, system }: NodeJS.CpuUsage) => user + system

function newState(): TaskState {
  return {
    abandoned: new Int32Array(new SharedArrayBuffer(4)),
    began: new Float64Array(new SharedArrayBuffer(8)).fill(NaN),
  }
}

function heldBytes(): number {
  const ofDocuments = documents.values().reduce((sum, { byteLength }) => sum + byteLength, 0)
  return process.memoryUsage.rss() - ofDocuments
}

function endBroken(): never {
  channel.send({ type: 'broke', heldBytes: heldBytes() })
  end()
}

/** Ends the process whatever its thread is doing: a library that computes cannot be interrupted in another way. */
function end(): never {
  process.kill(process.pid, 'SIGKILL')
  process.exit(1)
}

function send(reply: ThreadReply): void {
  channel.send({ ...reply, heldBytes: heldBytes() })
}

function post(request: ThreadRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is about windows, not threads
  thread.postMessage(request)
}

function shared(size: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(size))
}
