import type { Turn } from './turn.ts'
import { createSlots } from './slots.ts'
import type { Release, Slots } from './slots.ts'

/** Lets in so many pages of each request at a time. */
export interface RequestGates {
  /** Waits until fewer pages of the request are inside. Throws the signal's reason when aborted. */
  enter(turn: Turn, signal: AbortSignal): Promise<Release>
}

/** Creates the gates; a request has a gate while it has pages inside or waiting. */
export function createRequestGates(maxPages: number): RequestGates {
  const gates = new Map<string, Slots>()
  return {
    async enter(turn, signal) {
      const gate = gates.get(turn.request) ?? createSlots(() => maxPages)
      gates.set(turn.request, gate)
      const forget = () => {
        // A release may come twice, when the next pages of the request have a gate of their own.
        const isEmpty = gate.active === 0 && gate.waiting === 0
        if (isEmpty && gates.get(turn.request) === gate) gates.delete(turn.request)
      }
      try {
        const release = await gate.acquire(turn, signal)
        return () => {
          release()
          forget()
        }
      } catch (error) {
        forget()
        throw error
      }
    },
  }
}
