import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { TurnQueue } from '../schedule/turn-queue.ts'
import { wasGivenBack, type UpstreamChoice, type UpstreamClaim } from './choice.ts'
import type { LeaseTurn, UpstreamLease } from './lease.ts'
import { createOutageClock, EngineOutage } from './outage.ts'
import type { Upstream } from './upstream.ts'

/** The pages that wait for room at an upstream of one model. */
export interface Line {
  /** Waits for room, in turn. Throws EngineOutage, and the signal's reason when aborted. */
  acquire(claim: UpstreamClaim, signal: AbortSignal): Promise<UpstreamLease>
  /** Lets in those for whom there is room now. */
  dispatch(): void
  /** Tells whether a page would be refused at once. */
  isOut(): boolean
  /** Those waiting. */
  readonly waiting: number
}

interface Waiter {
  readonly claim: UpstreamClaim
  readonly admit: (upstream: Upstream) => void
  readonly refuse: (error: unknown) => void
}

/** However the limit wavers, a page is begun anew so often at most. */
const MOST_GIVEN_BACK = 3
/** Bounds what one look at the line costs; the next look comes with the next answer. */
const MAX_PASSED_OVER = 16

/** Creates the line of a model; its pages are refused when nobody has served it for longer than the patience. */
export function createLine(modelId: string, choice: UpstreamChoice, patienceSeconds: number): Line {
  const queue = createTurnQueue<Waiter>()
  const outage = createOutageClock(patienceSeconds, () => {
    for (const { refuse } of queue.clear()) refuse(new EngineOutage(modelId))
  })

  function isOut(): boolean {
    outage.note(choice.isServed(modelId))
    return outage.isOver()
  }

  function admitAll(): void {
    // A page that waits for an upstream it has not tried yet does not hold up the rest.
    const passedOver: Waiter[] = []
    while (queue.size > 0 && passedOver.length < MAX_PASSED_OVER && choice.hasRoom(modelId, 'interactive')) {
      const waiter = queue.shift(choice.hasRoom(modelId, 'batch'))
      if (waiter === undefined) break
      const upstream = choice.forPage(waiter.claim, queue.size + passedOver.length + 1)
      if (upstream === null) passedOver.push(waiter)
      else waiter.admit(upstream)
    }
    for (const waiter of passedOver) queue.push(waiter.claim.turn, waiter, wasGivenBack(waiter.claim))
  }

  return {
    async acquire(claim, signal) {
      if (isOut()) throw new EngineOutage(modelId)
      const upstream = (queue.size === 0 ? choice.forPage(claim) : null) ?? choice.forFirst(claim)
      if (upstream !== null) return take(upstream, claim)
      const waited = wait(queue, claim, signal)
      // Those who wait may all be waiting for other upstreams than the one that has room.
      admitAll()
      return waited
    },
    dispatch() {
      outage.note(choice.isServed(modelId))
      admitAll()
    },
    isOut,
    get waiting() {
      return queue.size
    },
  }
}

function take(upstream: Upstream, claim: UpstreamClaim): UpstreamLease {
  claim.onTaken?.()
  return upstream.lease(turnOf(claim))
}

/** Only pages count. */
function turnOf({ kind, turn, timesGivenBack = 0 }: UpstreamClaim): LeaseTurn | null {
  const { lane, key, request } = turn
  return kind === 'forwarded' ? null : { lane, key, request, stays: timesGivenBack >= MOST_GIVEN_BACK }
}

function wait(queue: TurnQueue<Waiter>, claim: UpstreamClaim, signal: AbortSignal): Promise<UpstreamLease> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter = {
      claim,
      admit(upstream) {
        signal.removeEventListener('abort', leave)
        resolve(take(upstream, claim))
      },
      refuse(error) {
        signal.removeEventListener('abort', leave)
        reject(error)
      },
    }
    const leave = () => {
      queue.remove(waiter)
      reject(signal.reason)
    }
    queue.push(claim.turn, waiter, wasGivenBack(claim))
    signal.addEventListener('abort', leave, { once: true })
  })
}
