import { createTurnQueue } from '../schedule/turn-queue.ts'
import type { TurnQueue } from '../schedule/turn-queue.ts'
import type { Turn } from '../schedule/turn.ts'
import { EngineOutage } from './outage.ts'
import { createRequestGates } from '../schedule/request-gates.ts'
import type { Release } from '../schedule/slots.ts'
import type { Upstream, UpstreamLease } from './upstream.ts'

/** What a page asks for. */
export interface UpstreamClaim {
  readonly modelId: string
  readonly turn: Turn
  /** Base URLs of the upstreams that were asked for the page before: another comes first. */
  readonly tried?: ReadonlySet<string> | undefined
}

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
  /** Those waiting. */
  readonly waiting: number
}

/** What the queue is made with. */
export interface UpstreamQueueOptions {
  readonly upstreams: readonly Upstream[]
  /** How long pages wait for an upstream that may come back. */
  readonly patienceSeconds: number
  /** Pages of one request at the upstreams, all together; left out: no bound. */
  readonly maxPerRequest?: number
  /** Pages of a model that are let in and not read yet, wherever they are; left out: no end of them. */
  readonly queuedFor?: (modelId: string) => number
}

/** A look at the line costs so much at most; the next one comes with the next answer. */
const MAX_PASSED_OVER = 16

interface Waiter {
  readonly claim: UpstreamClaim
  readonly admit: (upstream: Upstream) => void
  readonly refuse: (error: unknown) => void
}

/** The pages that wait for one model, and since when there has been nobody to read them. */
interface Line {
  readonly queue: TurnQueue<Waiter>
  downSince: number | null
  timer: NodeJS.Timeout | undefined
}

/** Creates the queue. */
export function createUpstreamQueue(options: UpstreamQueueOptions): UpstreamQueue {
  const { upstreams, patienceSeconds, maxPerRequest = Infinity, queuedFor } = options
  const gates = createRequestGates(maxPerRequest)
  const lines = new Map<string, Line>()
  let turn = 0

  function lineOf(modelId: string): Line {
    const line = lines.get(modelId) ?? { queue: createTurnQueue<Waiter>(), downSince: null, timer: undefined }
    lines.set(modelId, line)
    return line
  }

  const serving = (modelId: string): Upstream[] =>
    upstreams.filter((upstream) => upstream.models().some(({ id }) => id === modelId))

  /** Those to ask: with none that does not fail at most pages, such a one is better than nobody. */
  function able(modelId: string): Upstream[] {
    const well = serving(modelId).filter((upstream) => upstream.isWell())
    const available = well.filter((upstream) => upstream.isAvailable())
    return available.length > 0 ? available : well
  }

  const hasRoom = (modelId: string): boolean => able(modelId).some((upstream) => upstream.room() > 0)

  function choose({ modelId, tried }: UpstreamClaim): Upstream | null {
    const all = able(modelId)
    const untried = all.filter(({ url }) => tried?.has(url) !== true)
    const choice = untried.length > 0 ? untried : all
    const open = choice.filter((upstream) => upstream.room() > 0)
    const upstream = soonest(open, turn++)
    return upstream === null || isBetterLeft(modelId, upstream, choice) ? null : upstream
  }

  /**
   * Tells whether all that is left of a model's pages is sooner read by another upstream than this one page by the upstream
   * that has room: near the end a slow server, or one with a line of its own, would be waited for.
   */
  function isBetterLeft(modelId: string, upstream: Upstream, others: readonly Upstream[]): boolean {
    if (queuedFor === undefined || others.length < 2) return false
    const atWork = serving(modelId).reduce((sum, each) => sum + each.pages(), 0)
    const left = Math.max(1, queuedFor(modelId) - atWork)
    return others.some((other) => other !== upstream && other.room() <= 0 && other.waitFor(left) < upstream.wait())
  }

  /** Keeps account of whether anybody serves the model; with nobody for too long, those who wait are told. */
  function watchOutage(modelId: string, line: Line): void {
    if (serving(modelId).some((upstream) => upstream.isWell())) {
      line.downSince = null
      clearTimeout(line.timer)
      line.timer = undefined
      return
    }
    line.downSince ??= performance.now()
    if (line.timer !== undefined) return
    const left = line.downSince + patienceSeconds * 1000 - performance.now()
    line.timer = setTimeout(() => refuseAll(modelId, line), Math.max(0, left))
    line.timer.unref()
  }

  function refuseAll(modelId: string, line: Line): void {
    // A timer may be a moment ahead of the clock: who comes in that moment would wait for one that has fired.
    line.downSince = -Infinity
    for (const { refuse } of line.queue.clear()) refuse(new EngineOutage(modelId))
  }

  const isOver = ({ downSince }: Line): boolean =>
    downSince !== null && performance.now() - downSince >= patienceSeconds * 1000

  function dispatch(): void {
    for (const [modelId, line] of lines) {
      watchOutage(modelId, line)
      admitAll(modelId, line)
    }
  }

  function admitAll(modelId: string, { queue }: Line): void {
    // One that waits for another upstream than those it was asked of does not hold up the rest.
    const passedOver: Waiter[] = []
    while (queue.size > 0 && passedOver.length < MAX_PASSED_OVER && hasRoom(modelId)) {
      const waiter = queue.shift()
      const upstream = waiter === undefined ? null : choose(waiter.claim)
      if (upstream !== null) waiter?.admit(upstream)
      else if (waiter !== undefined) passedOver.push(waiter)
    }
    for (const waiter of passedOver) queue.push(waiter.claim.turn, waiter)
  }

  function wait(claim: UpstreamClaim, { queue }: Line, signal: AbortSignal): Promise<UpstreamLease> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        claim,
        admit(upstream) {
          signal.removeEventListener('abort', leave)
          resolve(upstream.lease('page'))
        },
        refuse(error) {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      }
      const leave = () => {
        queue.remove(claim.turn, waiter)
        reject(signal.reason)
      }
      queue.push(claim.turn, waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  async function lease(claim: UpstreamClaim, signal: AbortSignal): Promise<UpstreamLease> {
    const line = lineOf(claim.modelId)
    watchOutage(claim.modelId, line)
    if (isOver(line)) throw new EngineOutage(claim.modelId)
    const upstream = line.queue.size === 0 ? choose(claim) : null
    if (upstream !== null) return upstream.lease('page')
    const waited = wait(claim, line, signal)
    // Those who wait may all be waiting for other upstreams than the one that has room.
    admitAll(claim.modelId, line)
    return waited
  }

  return {
    async acquire(claim, signal) {
      const leave = await gates.enter(claim.turn, signal)
      try {
        return withRelease(await lease(claim, signal), leave)
      } catch (error) {
        leave()
        throw error
      }
    },
    dispatch,
    isOut(modelId) {
      const line = lineOf(modelId)
      watchOutage(modelId, line)
      return isOver(line)
    },
    get waiting() {
      return [...lines.values()].reduce((sum, { queue }) => sum + queue.size, 0)
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

/** Picks the upstream where another page is answered first; equals take turns, so that the first is not always the warm one. */
export function soonest(upstreams: readonly Upstream[], turn: number): Upstream | null {
  const least = Math.min(...upstreams.map((upstream) => upstream.wait()))
  const equals = upstreams.filter((upstream) => upstream.wait() === least)
  return equals[turn % equals.length] ?? null
}
