import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import type { SchemaNode } from '../../request/fields-schema.ts'

/** What the thread is to do: compile a schema, and hold a value against it. Both are JSON. */
export interface SchemaTask {
  readonly schema: string
  /** Null: only the schema is compiled. */
  readonly value: string | null
}

/** Where a value does not fit its schema. */
export interface SchemaProblem {
  /** JSON pointer: of a member that is missing, too. */
  readonly pointer: string
  readonly keyword: string
  readonly message: string
}

/** What the thread says; `late`: it had no answer in time, or can have none. */
export type SchemaAnswer =
  | { readonly kind: 'checked'; readonly problems: readonly SchemaProblem[] }
  | { readonly kind: 'no schema'; readonly message: string }
  | { readonly kind: 'late' }

/** Holds values against schemas, one after the other, in a thread that is ended when one takes too long. */
export interface SchemaThread {
  /** Compiles a schema, and holds a value against it; null: only compiles. Throws the signal's reason. */
  check(schema: SchemaNode, value: unknown, signal: AbortSignal): Promise<SchemaAnswer>
  close(): Promise<void>
}

const ENTRY = new URL('./schema-worker.ts', import.meta.url)
/** Starting takes most of a second on a busy machine. */
const START_MS = 30_000
/** For so long values are not held against a schema again that took too long: others wait behind it. */
const SLOW_MS = 60_000
const MEMORY = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }

/** Creates it. The thread is started with the first task, and again after one that took longer than `taskMs`. */
export function createSchemaThread(taskMs = 2000): SchemaThread {
  let worker: Worker | null = null
  const slow = new LRUCache<string, true>({ max: 100, ttl: SLOW_MS })
  let line: Promise<unknown> = Promise.resolve()

  async function started(): Promise<Worker> {
    if (worker !== null) return worker
    const fresh = new Worker(ENTRY, { env: {}, resourceLimits: MEMORY, stdout: true, stderr: true })
    fresh.unref()
    fresh.on('error', () => {})
    fresh.once('exit', () => void (worker === fresh && (worker = null)))
    worker = fresh
    await nextOf(fresh, START_MS)
    return fresh
  }

  async function run(task: SchemaTask): Promise<SchemaAnswer> {
    const asked = await started()
    asked.ref()
    try {
      const answer = nextOf(asked, taskMs)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      asked.postMessage(task)
      return (await answer) as SchemaAnswer
    } catch {
      // What it took too long for may go on for ever, and what it died of it would die of again.
      if (worker === asked) worker = null
      await asked.terminate()
      return { kind: 'late' }
    } finally {
      asked.unref()
    }
  }

  return {
    async check(schema, value, signal) {
      const task = { schema: JSON.stringify(schema), value: value === null ? null : JSON.stringify(value) }
      const key = createHash('sha256').update(task.schema).digest('hex')
      const isSlow = (): boolean => value !== null && slow.has(key)
      const turn = line.then(() => (signal.aborted || isSlow() ? null : run(task)))
      line = turn.catch(() => {})
      const answer = (await turn) ?? { kind: 'late' }
      signal.throwIfAborted()
      if (answer.kind === 'late' && value !== null) slow.set(key, true)
      return answer
    },
    async close() {
      await line
      await worker?.terminate()
    },
  }
}

/** Waits for the next message. Throws when the thread ends, or none comes in time. */
async function nextOf(worker: Worker, ms: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onExit = (): void => reject(new Error('the thread has ended'))
  worker.once('message', resolve).once('error', reject).once('exit', onExit)
  const timer = setTimeout(() => reject(new Error('no answer in time')), ms)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    worker.off('message', resolve).off('error', reject).off('exit', onExit)
  }
}
