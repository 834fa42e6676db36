import { setTimeout as delay } from 'node:timers/promises'

/** Returns what comes within so long; throws where nothing does. */
export async function inTime<Result>(promise: Promise<Result>, milliseconds: number): Promise<Result> {
  const late = new AbortController()
  const timeout = delay(milliseconds, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`The store of usage has not answered for ${milliseconds} ms.`)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    timeout.catch(() => {})
    late.abort()
  }
}
