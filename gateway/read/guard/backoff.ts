import { setTimeout as delay } from 'node:timers/promises'

const FIRST_MILLISECONDS = 500
const MAX_MILLISECONDS = 8000

/**
 * Returns how long to wait before an engine that has failed so many times in a row is asked again, in milliseconds: half
 * of it by chance, so that the pages that failed together do not come back together.
 */
export function backoffMilliseconds(failures: number): number {
  const max = Math.min(MAX_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (failures - 1))
  return max / 2 + (Math.random() * max) / 2
}

/** Waits; false, and at once, when aborted. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, true, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return !signal.aborted
}
