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

  async function enterGate(turn: Turn, signal: AbortSignal): Promise<Release> {
    const { request } = turn
    const gate = gates.get(request) ?? createSlots(() => maxPages)
    gates.set(request, gate)
    const forget = () => {
      // A release may come twice, when the next pages of the request have a gate of their own.
      const isEmpty = gate.active === 0 && gate.waiting === 0
      if (isEmpty && gates.get(request) === gate) gates.delete(request)
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
  }

  /** A page whose turn becomes another request's waits at the gate of that one. */
  async function enterInTurn(turn: Turn, onChange: NonNullable<Turn['onChange']>, signal: AbortSignal) {
    for (;;) {
      const moved = new AbortController()
      const forget = onChange(() => moved.abort())
      try {
        return await enterGate(turn, AbortSignal.any([signal, moved.signal]))
      } catch (error) {
        if (signal.aborted || !moved.signal.aborted) throw error
      } finally {
        forget()
      }
    }
  }

  return {
    enter: (turn, signal) =>
      turn.onChange === undefined ? enterGate(turn, signal) : enterInTurn(turn, turn.onChange, signal),
  }
}
