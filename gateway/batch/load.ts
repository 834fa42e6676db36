import type { Admission } from '../schedule/admission.ts'
import type { LineObserver } from './line-task.ts'

/** What the tasks take that this process runs. */
export interface Load {
  /** Tells whether another task can be begun. */
  hasRoom(): boolean
  /** Tells whether another task can do nothing but wait, and leave enough room for those that can be done. */
  mayWait(): boolean
  /** Adds a task; `onOpened` is told when there may be more room before it ends. */
  add(isLine: boolean, onOpened: () => void): LoadedTask
}

/** A task that is being run. */
interface LoadedTask {
  readonly observer: LineObserver
  /** Resolves when it is known how many bytes it holds. */
  readonly known: Promise<void>
  /** It holds nothing, and does nothing: what it needs is not there now. */
  readonly waits: () => void
  readonly ended: () => void
}

/** How many tasks a process has at most: as many lines of one page as keep several large GPUs busy. */
export const MAX_AT_A_TIME = 512
/** More than so many are begun only while all of them together are not longer than that, in bytes: their documents are open. */
const FEW = 64
const MAX_OPEN_BYTES = 256 * 1024 * 1024
/** So many of them wait at most for what is not there now. */
const MAX_WAITING = 32
/** So many it has at least, whatever else waits: batches give way, but they do not stand still. */
const LEAST_AT_A_TIME = 4
/** How many lines are opening their documents at a time: before, nobody knows how many pages they have. */
const MAX_OPENING = 8
/** What lines may hold that are opening, in bytes; a larger one goes alone. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** So many pages for each that is at an engine keep the next ones drawn. */
const PAGES_AHEAD = 2
const LEAST_PAGES = 16

interface Taken {
  /** Its length. */
  length: number
  /** What it holds of that beside its documents. */
  bytes: number
  isOpening: boolean
  isWaiting: boolean
}

/** Creates it; `capacity` is how many pages keep all engines busy, as far as is known. */
export function createLoad({
  ocr: { admission },
  capacity,
}: {
  readonly ocr: { readonly admission: Admission }
  readonly capacity: () => number
}): Load {
  const running = new Set<Taken>()
  return {
    hasRoom() {
      const tasks = [...running]
      const held = tasks.reduce((sum, { bytes }) => sum + bytes, 0)
      const opening = tasks.filter(({ isOpening }) => isOpening).length
      const open = tasks.reduce((sum, { length }) => sum + length, 0)
      const most = open < MAX_OPEN_BYTES ? MAX_AT_A_TIME : FEW
      if (running.size >= most || held >= MAX_HELD_BYTES || opening >= MAX_OPENING) return false
      // Pages of others who wait count as well: what a batch begins now would stand behind them.
      const enough = Math.max(LEAST_PAGES, PAGES_AHEAD * capacity())
      const busy = tasks.filter(({ isWaiting }) => !isWaiting).length
      return busy < LEAST_AT_A_TIME || Math.max(admission.queued, busy) < enough
    },
    mayWait: () => [...running].filter(({ isWaiting }) => isWaiting).length < MAX_WAITING,
    add(isLine, onOpened) {
      const task: Taken = { length: 0, bytes: 0, isOpening: isLine, isWaiting: false }
      const known = Promise.withResolvers<void>()
      running.add(task)
      // Only a line holds what it is read from.
      if (!isLine) known.resolve()
      return {
        observer: {
          onLength(bytes) {
            Object.assign(task, { length: bytes, bytes })
            known.resolve()
          },
          onOpened() {
            task.bytes = 0
            task.isOpening = false
            onOpened()
          },
          onWaiting(isWaiting) {
            task.isWaiting = isWaiting
            if (isWaiting) onOpened()
          },
        },
        known: known.promise,
        waits() {
          Object.assign(task, { length: 0, bytes: 0, isOpening: false, isWaiting: true })
          known.resolve()
          onOpened()
        },
        ended() {
          running.delete(task)
          known.resolve()
        },
      }
    },
  }
}
