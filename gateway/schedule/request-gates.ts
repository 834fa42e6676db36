import type { Turn } from './turn.ts'
import { createSlots } from './slots.ts'
import type { Release, Slots } from './slots.ts'

/** Lets in so many pages of each request, or of each key, at a time. */
export interface Gates {
  /** Waits until fewer pages of the owner are inside; `isAgain`: as Slots.acquire has it. Throws the signal's reason when aborted. */
  enter(turn: Turn, signal: AbortSignal, isAgain?: boolean): Promise<Release>
}

/** Creates the gates of requests. */
export function createRequestGates(maxPages: number): Gates {
  return createGates(
    ({ request }) => request,
    () => maxPages,
  )
}

/** Creates the gates of keys; `mostOf` is asked whenever a page wants in. */
export function createKeyGates(mostOf: (key: string) => number): Gates {
  return createGates(({ key }) => key, mostOf)
}

/** An owner has a gate while it has pages inside or waiting. */
function createGates(ownerOf: (turn: Turn) => string, mostOf: (owner: string) => number): Gates {
  const gates = new Map<string, Slots>()

  async function enterGate(turn: Turn, signal: AbortSignal, isAgain = false): Promise<Release> {
    const owner = ownerOf(turn)
    if (mostOf(owner) === Infinity) return () => {}
    const gate = gates.get(owner) ?? createSlots(() => mostOf(owner))
    gates.set(owner, gate)
    const forget = () => {
      // A release may come twice, when the next pages of the owner have a gate of their own.
      const isEmpty = gate.active === 0 && gate.waiting === 0
      if (isEmpty && gates.get(owner) === gate) gates.delete(owner)
    }
    try {
      const release = await gate.acquire(turn, signal, isAgain)
      return () => {
        release()
        forget()
      }
    } catch (error) {
      forget()
      throw error
    }
  }

  /** A page whose turn becomes another's waits at the gate of that one. */
  async function enterInTurn(
    turn: Turn,
    onChange: NonNullable<Turn['onChange']>,
    signal: AbortSignal,
    isAgain?: boolean,
  ) {
    for (;;) {
      const moved = new AbortController()
      const forget = onChange(() => moved.abort())
      try {
        return await enterGate(turn, AbortSignal.any([signal, moved.signal]), isAgain)
      } catch (error) {
        if (signal.aborted || !moved.signal.aborted) throw error
      } finally {
        forget()
      }
    }
  }

  return {
    enter: (turn, signal, isAgain) =>
      turn.onChange === undefined
        ? enterGate(turn, signal, isAgain)
        : enterInTurn(turn, turn.onChange, signal, isAgain),
  }
}
