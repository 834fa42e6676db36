import { z } from 'zod'

/** What a receiver of webhooks is sent: OpenAI's event. */
export const webhookPayload = z.strictObject({
  id: z.string(),
  object: z.literal('event'),
  created_at: z.int().describe('Unix time, seconds.'),
  type: z.string(),
  data: z.strictObject({ id: z.string() }),
})

/** What a receiver of webhooks is sent. */
export type WebhookPayload = z.output<typeof webhookPayload>

/** An event, and how far its delivery is: the gateway's own. */
export const webhookEvent = webhookPayload.extend({
  delivery: z.strictObject({
    status: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.int(),
    next_attempt_at: z.int().nullable(),
    ended_at: z.int().nullable(),
    last_error: z.string().nullable(),
  }),
})

/** An event, and how far its delivery is. */
export type WebhookEventObject = z.output<typeof webhookEvent>

/** A part of the list of events. */
export const webhookEventList = z.strictObject({
  object: z.literal('list'),
  data: z.array(webhookEvent),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
})

/** A part of the list of events. */
export type WebhookEventList = z.output<typeof webhookEventList>
