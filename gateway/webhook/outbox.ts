import type { KeptEvent, WebhookDelivery, WebhookEvent } from './event.ts'

/** An event that this process sends now, for as long as its lease lasts. */
export interface ClaimedEvent {
  readonly event: KeptEvent
  /** Tells this claim from every other. */
  readonly claim: string
  /** The time, in milliseconds of Unix time: that of Redis, where replicas share it. A receiver takes nothing from a wrong clock. */
  readonly at: number
}

/** What has become of a try. */
export type TryOutcome =
  | { readonly status: 'delivered' }
  | { readonly status: 'failed'; readonly problem: string }
  | { readonly status: 'pending'; readonly problem: string; readonly delayMs: number }
  /** It was broken off, and counts as none. */
  | { readonly status: 'given back' }

/** What part of the list of events is asked for. */
export interface EventQuery {
  /** The id of the event before the first; null: from the beginning. */
  readonly after: string | null
  readonly limit: number
  /** Null: any. */
  readonly status: WebhookDelivery['status'] | null
}

/** A part of the list of events, the newest first. */
export interface EventPage {
  readonly events: readonly KeptEvent[]
  readonly hasMore: boolean
}

/** What waits to be delivered. */
export interface Backlog {
  readonly waiting: number
  /** When the oldest of them was created, in seconds of Unix time; null: there is none. */
  readonly oldestAt: number | null
}

/**
 * Events, until some time after they were delivered or given up: in the embedded database, or in Redis where replicas share it.
 * An event is claimed by one process at a time. Every change may be made twice.
 */
export interface Outbox {
  /** Adds events to those that are to be delivered. One that is known already stays as it is. */
  add(events: readonly WebhookEvent[]): Promise<void>
  /** Takes an event that is due; when its lease has ended and nothing was noted, another process may. Null: none is due. */
  claim(leaseMs: number): Promise<ClaimedEvent | null>
  /** Notes what has become of a try. Of a claim that has passed to another process, nothing but a delivery is noted. */
  note(claimed: ClaimedEvent, outcome: TryOutcome): Promise<void>
  find(owner: string, id: string): Promise<KeptEvent | null>
  /** Null where `after` names none of the owner's events. */
  list(owner: string, query: EventQuery): Promise<EventPage | null>
  /** Has an event delivered at once, as if it were new, unless that is going on; null: a key has no such event. */
  redeliver(owner: string, id: string): Promise<KeptEvent | null>
  backlog(): Promise<Backlog>
  /** Forgets some of the events that ended long ago; false: there are no more of them. */
  forgetOld(): Promise<boolean>
}

const DAY = 86_400_000

/** How long events are kept after their end, in milliseconds: those that were given up are still looked for. */
export const KEPT_MS: Readonly<Record<'delivered' | 'failed', number>> = { delivered: 7 * DAY, failed: 30 * DAY }

/** So many old events are forgotten at a time. */
export const FORGOTTEN_AT_A_TIME = 200
