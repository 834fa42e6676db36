import { orAborted } from '../schedule/or-aborted.ts'
import type { Log } from '../telemetry/log.ts'
import { finalizeBatch } from './finalization-task.ts'
import { runLine, type LineObserver, type LineServices } from './line-task.ts'
import { createLoad } from './load.ts'
import { isPassing } from './passing.ts'
import type { ClaimedTask } from './queue.ts'
import { createSetbacks, type Setbacks } from './setbacks.ts'
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

/** Creates the runner of this process, which begins at once. */
export function createRunner(services: RunnerServices): Runner {
  const { queue, lifecycle, log, metrics } = services
  const load = createLoad(services)
  const running = new Set<Promise<void>>()
  const setbacks = createSetbacks()
  const leave = new AbortController()
  const filling = oneAtATime(fill)
  let isTroubled = false
  const mayBegin = (): boolean => !leave.signal.aborted && !lifecycle.draining && load.hasRoom()

  async function fill(): Promise<void> {
    try {
      while (mayBegin()) {
        // A command to a Redis that is away may wait for ever; what it claims after all is put back with the queue.
        const claimed = await orAborted(queue.claim(), leave.signal)
        isTroubled = false
        if (claimed === null) return
        await begin(claimed)
      }
    } catch (error) {
      if (leave.signal.aborted) return
      // Told once, not every two seconds.
      if (!isTroubled) log.error({ err: error }, 'batches cannot be looked for')
      isTroubled = true
    }
  }

  /** Begins a task; returns when it is known what that takes. */
  async function begin(claimed: ClaimedTask): Promise<void> {
    const isLine = claimed.task.kind === 'line'
    const loaded = load.add(isLine, filling.ask)
    const signal = AbortSignal.any([claimed.lost, leave.signal])
    if (isLine) metrics.batchLinesInFlight.inc()
    const run = runTask(claimed, services, { ...loaded, mayWait: () => load.mayWait(), setbacks }, signal).finally(
      () => {
        if (isLine) metrics.batchLinesInFlight.dec()
        running.delete(run)
        loaded.ended()
        filling.ask()
      },
    )
    running.add(run)
    await loaded.known
  }

  const ignore = queue.onWork(filling.ask)
  const first = setImmediate(filling.ask)
  async function close(): Promise<void> {
    leave.abort(new DOMException('The gateway stops.', 'AbortError'))
    ignore()
    clearImmediate(first)
    await filling.ended()
    await Promise.all(running)
  }
  return { close }
}

/** Runs something whenever it is asked for, and once more where that was while it ran. */
function oneAtATime(run: () => Promise<void>) {
  let running: Promise<void> | null = null
  let isWanted = false
  async function repeat(): Promise<void> {
    while (isWanted) {
      isWanted = false
      await run()
    }
    running = null
  }
  return {
    ask: (): void => {
      isWanted = true
      running ??= repeat()
    },
    ended: async (): Promise<void> => {
      await running
    },
  }
}

/** How a process goes about its tasks. */
interface Manner {
  readonly observer: LineObserver
  /** Says that the task does nothing but wait. */
  readonly waits: () => void
  readonly mayWait: () => boolean
  readonly setbacks: Setbacks
}

/** A line that was not tried, as others of its batch wait already, is looked at again after so many seconds. */
const PUT_OFF = 15

/** Does a task, and says so; puts it back where it cannot be done now. Never throws. */
async function runTask(
  claimed: ClaimedTask,
  services: RunnerServices,
  manner: Manner,
  signal: AbortSignal,
): Promise<void> {
  const { task } = claimed
  try {
    if (task.kind === 'line' && !manner.mayWait() && manner.setbacks.isWaiting(task.batch))
      return await claimed.later(PUT_OFF)
    await doTask(claimed, services, manner.observer, signal)
    manner.setbacks.succeeded(task.batch)
    await claimed.done()
  } catch (error) {
    await leaveTask(claimed, error, services.log, manner, signal).catch((thrown: unknown) => {
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
  { setbacks, waits, mayWait }: Manner,
  signal: AbortSignal,
): Promise<void> {
  const { batch, kind } = claimed.task
  if (claimed.lost.aborted) return
  if (signal.aborted) return claimed.later(0)
  const passes = isPassing(error)
  const setback = setbacks.failed(batch, error)
  const { isFirst, seconds } = setback
  const fields = { batch, kind, code: passes ? error.code : 'internal_error', seconds: Math.ceil(seconds) }
  // One line for all lines that fail together.
  if (isFirst) log[passes ? 'info' : 'error']({ ...fields, err: passes ? undefined : error }, 'a batch waits')
  // Those of a batch whose engine is away leave room for other batches.
  if (!mayWait()) return claimed.later(seconds)
  // It stays this process's meanwhile: the others of the batch, which would fail as well, are not tried one after the other.
  waits()
  await setback.wait(signal)
  if (!claimed.lost.aborted) await claimed.later(0)
}
