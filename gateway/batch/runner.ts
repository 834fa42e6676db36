import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../telemetry/log.ts'
import { finalizeBatch } from './finalization-task.ts'
import { runLine, type LineObserver, type LineServices } from './line-task.ts'
import { createLoad } from './load.ts'
import { backoff, isPassing } from './passing.ts'
import type { ClaimedTask } from './queue.ts'
import { validateBatch, type ValidationTaskServices } from './validation-task.ts'

/** What does the tasks of batches, one process of several perhaps. */
export interface RunnerServices extends LineServices, Omit<ValidationTaskServices, keyof LineServices> {
  readonly files: LineServices['files'] & ValidationTaskServices['files']
  /** Pages that keep all engines busy, as far as is known. */
  readonly capacity: () => number
  /** While the gateway drains, nothing more is begun. */
  readonly lifecycle: { readonly draining: boolean }
}

/** Does what is to be done for batches, as much at a time as keeps the engines busy. */
export interface Runner {
  /** Puts back what is being done, and waits for that. */
  close(): Promise<void>
}

/** A claim that fails is told once, and tried again when there may be work. */
const IDLE = 'batches cannot be looked for'

const gone = (): DOMException => new DOMException('The gateway stops.', 'AbortError')

/** Creates the runner of this process, which begins at once. */
export function createRunner(services: RunnerServices): Runner {
  const { queue, lifecycle, log, metrics } = services
  const load = createLoad(services)
  const running = new Set<Promise<void>>()
  const failures = new Map<string, number>()
  const leave = new AbortController()
  let filling: Promise<void> | null = null
  let wantsMore = false
  let isTroubled = false

  function wake(): void {
    wantsMore = true
    filling ??= fill().finally(() => (filling = null))
  }

  async function fill(): Promise<void> {
    while (wantsMore && !leave.signal.aborted) {
      wantsMore = false
      try {
        while (!leave.signal.aborted && !lifecycle.draining && load.hasRoom()) {
          const claimed = await queue.claim()
          isTroubled = false
          if (claimed === null) break
          await begin(claimed)
        }
      } catch (error) {
        // Told once, not every two seconds.
        if (!isTroubled) log.error({ err: error }, IDLE)
        isTroubled = true
      }
    }
  }

  /** Begins a task; returns when it is known what that takes. */
  async function begin(claimed: ClaimedTask): Promise<void> {
    const { observer, known, ended } = load.add(claimed.task.kind === 'line', wake)
    const signal = AbortSignal.any([claimed.lost, leave.signal])
    metrics.batchLinesInFlight.inc()
    const run = runTask(claimed, services, { observer, failures }, signal).finally(() => {
      metrics.batchLinesInFlight.dec()
      running.delete(run)
      ended()
      wake()
    })
    running.add(run)
    await known
  }

  const ignore = queue.onWork(wake)
  const first = setImmediate(wake)
  return {
    async close() {
      leave.abort(gone())
      ignore()
      clearImmediate(first)
      await filling
      await Promise.all(running)
    },
  }
}

/** How a process goes about its tasks. */
interface Manner {
  readonly observer: LineObserver
  /** How often in a row lines of a batch, or the batch itself, could not be done. */
  readonly failures: Map<string, number>
}

/** Does a task, and says so; puts it back where it cannot be done now. Never throws. */
async function runTask(
  claimed: ClaimedTask,
  services: RunnerServices,
  { observer, failures }: Manner,
  signal: AbortSignal,
): Promise<void> {
  const { task } = claimed
  try {
    await doTask(claimed, services, observer, signal)
    failures.delete(task.batch)
    await claimed.done()
  } catch (error) {
    await leaveTask(claimed, error, services.log, failures, signal).catch((thrown: unknown) => {
      // Its lease ends, and it is handed out again.
      services.log.error({ batch: task.batch, err: thrown }, 'a task of a batch was not put back')
    })
  }
}

function doTask(
  { task, attempts }: ClaimedTask,
  services: RunnerServices,
  observer: Manner['observer'],
  signal: AbortSignal,
): Promise<void> {
  if (task.kind === 'line') {
    return runLine({ id: task.batch, line: task.line, attempts }, services, observer, signal)
  }
  return (task.kind === 'validate' ? validateBatch : finalizeBatch)(task.batch, services, signal)
}

async function leaveTask(
  claimed: ClaimedTask,
  error: unknown,
  log: Log,
  failures: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const { batch, kind } = claimed.task
  if (claimed.lost.aborted) return
  if (signal.aborted) return claimed.later(0)
  const count = failures.get(batch) ?? 0
  failures.set(batch, count + 1)
  const passes = isPassing(error)
  const seconds = backoff(count, passes ? error.retryAfterSeconds : undefined)
  const fields = { batch, kind, code: passes ? error.code : 'internal_error', seconds: Math.ceil(seconds) }
  // One line for all lines that fail together.
  if (count === 0) log[passes ? 'info' : 'error']({ ...fields, err: passes ? undefined : error }, 'a batch waits')
  // It stays this process's meanwhile: the others of the batch, which would fail as well, are not tried one after the other.
  await delay(seconds * 1000, undefined, { signal, ref: false }).catch(() => {})
  if (!claimed.lost.aborted) await claimed.later(0)
}
