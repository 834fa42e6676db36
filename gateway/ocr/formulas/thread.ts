import { Worker } from 'node:worker_threads'
import type { Formula } from '../markdown/find-formulas.ts'

/** A thread with KaTeX in it. */
export interface FormulaThread {
  /** False once it has ended, for whatever reason. */
  readonly alive: boolean
  /**
   * Checks the formulas of one page: what is wrong with each, or null. Has fewer verdicts than there are formulas where the time
   * was up or the thread has died: at the first without one. Null where the thread could not start. In both it has ended.
   */
  check(formulas: readonly Formula[], limitMs: number): Promise<readonly (string | null)[] | null>
  end(): void
}

const ENTRY = new URL('./worker.ts', import.meta.url)
/** A formula that needs more is not checked. */
const MEMORY = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 }
/** Loading KaTeX takes a fiftieth of that, on a machine that has nothing else to do. */
const START_LIMIT_MS = 5000

type Verdict = string | null
const ignore = (): void => {}

/** Starts a thread, which does not keep the process alive. */
export function startFormulaThread(): FormulaThread {
  const worker = new Worker(ENTRY, { stdout: true, stderr: true, resourceLimits: MEMORY })
  let alive = true
  let isStarted = false
  let verdicts: Verdict[] = []
  let onChange = ignore
  const died = () => {
    alive = false
    onChange()
  }
  worker.once('exit', died)
  // Without a listener an 'error' event would end the process.
  worker.on('error', died)
  worker.on('message', (more: readonly Verdict[]) => {
    isStarted = true
    verdicts.push(...more)
    onChange()
  })
  worker.unref()

  function end(): void {
    alive = false
    void worker.terminate()
  }

  /** Waits until something is so, the thread has died, or the time is up; tells whether it is so. */
  async function until(isSo: () => boolean, limitMs: number): Promise<boolean> {
    if (isSo() || !alive) return isSo()
    const { promise, resolve } = Promise.withResolvers<void>()
    onChange = () => {
      if (isSo() || !alive) resolve()
    }
    // A message may have come while the event loop was held: it goes first.
    const timer = setTimeout(() => setImmediate(resolve), limitMs)
    await promise
    clearTimeout(timer)
    onChange = ignore
    return isSo()
  }

  return {
    get alive() {
      return alive
    },
    end,
    async check(formulas, limitMs) {
      if (!(await until(() => isStarted, START_LIMIT_MS))) {
        end()
        return null
      }
      verdicts = []
      worker.postMessage(formulas, [])
      if (!(await until(() => verdicts.length >= formulas.length, limitMs))) end()
      return verdicts
    },
  }
}
