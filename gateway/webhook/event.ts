import { createHash } from 'node:crypto'

/** What a receiver can be told of. */
export type WebhookEventType =
  `batch.${'completed' | 'failed' | 'expired' | 'cancelled'}` | `response.${'completed' | 'failed' | 'cancelled'}`

/** Something that a receiver is told, once if all goes well. */
export interface WebhookEvent {
  readonly id: string
  /** The name of the key whose batch or response it is; empty where there are no keys. */
  readonly owner: string
  readonly type: WebhookEventType
  /** The id of the batch or response. */
  readonly objectId: string
  /** When that ended, in seconds of Unix time. */
  readonly createdAt: number
}

/** How far the delivery of an event is. */
export interface WebhookDelivery {
  readonly status: 'pending' | 'delivered' | 'failed'
  /** How often it was tried, since it was last asked for. */
  readonly attempts: number
  /** Why the last try failed; null: none did. */
  readonly problem: string | null
  /** When it is tried next, in milliseconds of Unix time; null: it is not. */
  readonly dueAt: number | null
  /** When it was delivered or given up, in milliseconds of Unix time. */
  readonly endedAt: number | null
}

/** An event as it is kept. */
export interface KeptEvent extends WebhookEvent, WebhookDelivery {}

/**
 * Returns the event that something has ended. Whoever notes it, and however often, it is the same one: nothing ends twice, and
 * the id is made from what has ended.
 */
export function endEvent(
  type: WebhookEventType,
  { id: objectId, owner, endedAt }: { readonly id: string; readonly owner: string; readonly endedAt: number },
): WebhookEvent {
  const digest = createHash('sha256').update(`${type} ${objectId}`).digest('hex')
  return { id: `evt_${digest.slice(0, ID_LENGTH)}`, owner, type, objectId, createdAt: Math.floor(endedAt / 1000) }
}

const ID_LENGTH = 32
