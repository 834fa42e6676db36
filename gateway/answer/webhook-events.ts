import type { KeptEvent } from '../webhook/event.ts'
import type { EventPage } from '../webhook/outbox.ts'
import type { WebhookEventList, WebhookEventObject } from '../wire/openai/webhook.ts'

/** Builds what clients read of an event: what its receiver is sent, and how far that is. */
export function webhookEventObject(event: KeptEvent): WebhookEventObject {
  const { id, type, objectId, createdAt, status, attempts, problem, dueAt, endedAt } = event
  return {
    id,
    object: 'event',
    created_at: createdAt,
    type,
    data: { id: objectId },
    delivery: {
      status,
      attempts,
      next_attempt_at: inSeconds(dueAt),
      ended_at: inSeconds(endedAt),
      last_error: problem === null ? null : `The receiver ${problem}.`,
    },
  }
}

/** Builds a part of the list of events. */
export function webhookEventList({ events, hasMore }: EventPage): WebhookEventList {
  const data = events.map(webhookEventObject)
  return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: hasMore }
}

const inSeconds = (milliseconds: number | null): number | null =>
  milliseconds === null ? null : Math.floor(milliseconds / 1000)
