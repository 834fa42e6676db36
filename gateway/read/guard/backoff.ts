import { setTimeout as delay } from 'node:timers/promises'

const FIRST_MILLISECONDS = 500
const MAX_MILLISECONDS = 8000

/**
 * Returns how long to wait before the next attempt after so many engine failures in a row, in milliseconds. Half of it
 * is random, so that pages that failed together do not retry together.
 */
export function backoffMilliseconds(failures: number): number {
  const max = Math.min(MAX_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (failures - 1))
  return max / 2 + (Math.random() * max) / 2
}

/** Waits and returns true; returns false at once when aborted. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, true, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return !signal.aborted
}
