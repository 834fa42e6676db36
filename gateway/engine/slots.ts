/** Gives a slot back; calling it again does nothing. */
export type Release = () => void

/** Permission to run, for so many at a time. */
export interface Slots {
  /** Waits for a slot, first come first served. Throws the signal's reason when aborted before there is one. */
  acquire(signal: AbortSignal): Promise<Release>
  /** Slots held now. */
  readonly active: number
  /** Those waiting for one. */
  readonly waiting: number
}

/** Creates so many slots. */
export function createSlots(capacity: number): Slots {
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`capacity must be 1 or more, not ${capacity}`)
  // A Set keeps its order and lets one who leaves from the middle go without a search.
  const queue = new Set<() => void>()
  let active = 0

  function grant(): Release {
    active += 1
    let held = true
    return function release() {
      if (!held) return
      held = false
      active -= 1
      const [first] = queue
      first?.()
    }
  }

  function wait(signal: AbortSignal): Promise<Release> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.delete(admit)
        reject(signal.reason)
      }
      // Granted here and not where the promise is awaited: nobody can slip in between.
      const admit = () => {
        queue.delete(admit)
        signal.removeEventListener('abort', leave)
        resolve(grant())
      }
      queue.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted()
      return active < capacity ? grant() : await wait(signal)
    },
    get active() {
      return active
    },
    get waiting() {
      return queue.size
    },
  }
}
