import type { Turn } from '../schedule/turn.ts'
import type { LeaseKind } from './lease.ts'
import type { Upstream } from './upstream.ts'

/** What a page asks for, or a chat that waits as one. */
export interface UpstreamClaim {
  readonly modelId: string
  /** Left out: a page. */
  readonly kind?: LeaseKind
  readonly turn: Turn
  /** Base URLs of the upstreams that were asked for the page before: another comes first. */
  readonly tried?: ReadonlySet<string> | undefined
  /** How often it was given back: it comes before the others of its request, and stays in the end. */
  readonly timesGivenBack?: number | undefined
  /** Called when it is given a place, before anybody else is. */
  readonly onTaken?: (() => void) | undefined
}

/** Whether it comes before the others of its request. */
export const wasGivenBack = ({ timesGivenBack = 0 }: UpstreamClaim): boolean => timesGivenBack > 0

/** Which upstream a request goes to. */
export interface UpstreamChoice {
  /** All that serve a model, or served it when they were last heard. */
  serving(modelId: string): readonly Upstream[]
  /** Tells whether an upstream that serves the model is well. */
  isServed(modelId: string): boolean
  /** Tells whether an upstream could be sent a page of the model, in a lane. */
  hasRoom(modelId: string, lane: Turn['lane']): boolean
  /**
   * Null when there is no room, or when waiting for a faster upstream is better. `waiting` pages wait for room, itself included; left out: it alone.
   */
  forPage(claim: UpstreamClaim, waiting?: number): Upstream | null
  /** For a page that finds no room, but may go beyond it: its request has no page there. Null where it may not. */
  forFirst(claim: UpstreamClaim): Upstream | null
  /**
   * For a request that is passed through, whether there is room or not; null when nobody serves the model, or all who do
   * sleep.
   */
  forForwarded(modelId: string): Upstream | null
}

/** One of so many that wait for room. */
interface WaitingClaim extends UpstreamClaim {
  readonly waiting: number
}

/**
 * Creates the choice. `unsentFor` says how many pages are let in that a model has not been asked to read yet, wherever they are; left
 * out: no end of them.
 */
export function createUpstreamChoice(
  upstreams: readonly Upstream[],
  unsentFor?: (modelId: string) => number,
): UpstreamChoice {
  const turns = { page: 0, forwarded: 0 }

  const serving = (modelId: string): Upstream[] =>
    upstreams.filter((upstream) => upstream.models().some(({ id }) => id === modelId))

  const wellServing = (modelId: string): Upstream[] => serving(modelId).filter((upstream) => upstream.isWell())

  /** An upstream that fails at most pages is asked only where there is no other. */
  const able = (modelId: string): readonly Upstream[] => availableOr(wellServing(modelId))

  /**
   * Tells whether all that is still to be sent of a model's pages is sooner read by another upstream than this one page by the upstream
   * that has room: near the end of the work, all would wait for a slow server, or for one that is busy.
   */
  function isBetterLeft(claim: WaitingClaim, upstream: Upstream, others: readonly Upstream[]): boolean {
    const { modelId, turn, waiting } = claim
    if (unsentFor === undefined || others.length < 2) return false
    // Of those that wait some may be asked for again, or for another part of a page.
    const left = Math.max(waiting, unsentFor(modelId))
    return others.some(
      (other) => other !== upstream && other.room(turn.lane) <= 0 && other.waitFor(left) < upstream.waitFor(1),
    )
  }

  return {
    serving,
    isServed: (modelId) => wellServing(modelId).length > 0,
    hasRoom: (modelId, lane) => able(modelId).some((upstream) => upstream.room(lane) > 0),
    forPage(claim, waiting = 1) {
      const { modelId, tried, turn } = claim
      const all = able(modelId)
      const untried = all.filter(({ url }) => tried?.has(url) !== true)
      const choice = untried.length > 0 ? untried : all
      const open = choice.filter((upstream) => upstream.room(turn.lane) > 0)
      const upstream = soonest(open, turns.page++)
      return upstream === null || isBetterLeft({ ...claim, waiting }, upstream, choice) ? null : upstream
    },
    forFirst({ modelId, tried, turn, kind = 'page' }) {
      if (kind !== 'page') return null
      const takers = able(modelId).filter(
        (upstream) => tried?.has(upstream.url) !== true && upstream.takesFirst(turn) && upstream.room(turn.lane) <= 0,
      )
      return soonest(takers, turns.page++)
    },
    // Where none is known to be well, one that was down a moment ago is worth a try: it answers or refuses at once. One
    // that sleeps does neither.
    forForwarded: (modelId) =>
      soonest(availableOr(serving(modelId).filter((upstream) => !upstream.isAsleep())), turns.forwarded++),
  }
}

/** Returns those that are available and prompt; those that are only available where none is; all where none is. */
function availableOr(upstreams: readonly Upstream[]): readonly Upstream[] {
  const available = upstreams.filter((upstream) => upstream.isAvailable())
  const prompt = available.filter((upstream) => upstream.isPrompt())
  return [prompt, available].find((some) => some.length > 0) ?? upstreams
}

/** Picks the upstream that answers another page first; equals take turns, so that the first is not always the warm one. */
function soonest(upstreams: readonly Upstream[], turn: number): Upstream | null {
  // Asked once: time goes on, and a full server's answer with it.
  const waits = upstreams.map((upstream) => upstream.waitFor(1))
  const least = Math.min(...waits)
  const equals = upstreams.filter((_, index) => waits[index] === least)
  return equals[turn % equals.length] ?? null
}
