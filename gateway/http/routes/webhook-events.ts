import { webhookEventList, webhookEventObject } from '../../answer/webhook-events.ts'
import { GatewayError } from '../../errors.ts'
import { readEventQuery } from '../../request/event-query.ts'
import type { Webhooks } from '../../webhook/webhooks.ts'
import type { GatewayContext } from '../context.ts'

/** What the routes of events need. */
interface EventServices {
  readonly webhooks: Webhooks | null
}

/** `GET /v1/webhooks/events`: the events of the key's batches and responses, and how far their delivery is. */
export function listEvents(services: EventServices) {
  return async function listEvents(c: GatewayContext): Promise<Response> {
    const query = readEventQuery(c.req.query())
    return c.json(webhookEventList(await webhooksOf(services).list(c.get('record').key, query)))
  }
}

/** `GET /v1/webhooks/events/{id}`: one of them. */
export function retrieveEvent(services: EventServices) {
  return async function retrieveEvent(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    return c.json(webhookEventObject(await webhooksOf(services).find(key, id)))
  }
}

/** `POST /v1/webhooks/events/{id}/redeliver`: sends it at once, whatever has become of it. */
export function redeliverEvent(services: EventServices) {
  return async function redeliverEvent(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    return c.json(webhookEventObject(await webhooksOf(services).redeliver(key, id)))
  }
}

function webhooksOf({ webhooks }: EventServices): Webhooks {
  if (webhooks !== null) return webhooks
  throw new GatewayError('not_found', 'This gateway sends no webhooks: GATEWAY_WEBHOOK_URL is not set.')
}

function asked(c: GatewayContext): { readonly id: string; readonly key: string | null } {
  return { id: c.req.param('id') ?? '', key: c.get('record').key }
}
