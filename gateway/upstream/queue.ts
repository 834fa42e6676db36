import { createRequestGates } from '../schedule/request-gates.ts'
import type { Release } from '../schedule/slots.ts'
import { wasGivenBack, type UpstreamChoice, type UpstreamClaim } from './choice.ts'
import type { UpstreamLease } from './lease.ts'
import { createLine } from './line.ts'
import type { Line } from './line.ts'

/** Pages that wait for room at an upstream. */
export interface UpstreamQueue {
  /**
   * Waits for room at an upstream that serves the model; those who wait take turns. Throws EngineOutage when there has been
   * none for longer than the patience, and the signal's reason when aborted.
   */
  acquire(claim: UpstreamClaim, signal: AbortSignal): Promise<UpstreamLease>
  /** Lets in those for whom there is room now. To be called whenever an upstream has changed. */
  dispatch(): void
  /** Tells whether a page of the model would be refused at once. */
  isOut(modelId: string): boolean
  /** Pages of a model that wait. */
  waitingFor(modelId: string): number
  /** Those waiting. */
  readonly waiting: number
}

/** How long pages wait, and how many. */
export interface UpstreamQueueOptions {
  /** How long pages wait for an upstream that may come back. */
  readonly patienceSeconds: number
  /** Pages of one request at the upstreams, all together; left out: no bound. */
  readonly maxPerRequest?: number
}

/** Creates the queue. */
export function createUpstreamQueue(choice: UpstreamChoice, options: UpstreamQueueOptions): UpstreamQueue {
  const { patienceSeconds, maxPerRequest = Infinity } = options
  const gates = createRequestGates(maxPerRequest)
  const lines = new Map<string, Line>()

  function lineOf(modelId: string): Line {
    const line = lines.get(modelId) ?? createLine(modelId, choice, patienceSeconds)
    lines.set(modelId, line)
    return line
  }

  return {
    async acquire(claim, signal) {
      const leave = await gates.enter(claim.turn, signal, wasGivenBack(claim))
      try {
        return withRelease(await lineOf(claim.modelId).acquire(claim, signal), leave)
      } catch (error) {
        leave()
        throw error
      }
    },
    dispatch() {
      for (const line of lines.values()) line.dispatch()
    },
    isOut: (modelId) => lineOf(modelId).isOut(),
    waitingFor: (modelId) => lines.get(modelId)?.waiting ?? 0,
    get waiting() {
      return lines.values().reduce((sum, line) => sum + line.waiting, 0)
    },
  }
}

function withRelease(lease: UpstreamLease, leave: Release): UpstreamLease {
  const release = () => {
    lease.release()
    leave()
  }
  return { ...lease, release, [Symbol.dispose]: release }
}
