import { inputItemList } from '../../answer/input-items.ts'
import { GatewayError } from '../../errors.ts'
import { readListWish, readStartingAfter } from '../../request/response-query.ts'
import type { DeletedResponse } from '../../wire/openai/response-items.ts'
import type { GatewayContext } from '../context.ts'
import { followed, type FollowServices } from '../follow-response.ts'

/** `GET /v1/responses/{id}`: a response as it is now, or its events from one of them on. */
export function retrieveResponse(services: FollowServices) {
  return async function retrieveResponse(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    if (c.req.query('stream') !== 'true') return c.json(services.responses.find(id, key))
    const after = readStartingAfter(c.req.query('starting_after'))
    return followed(c, services, (signal) => services.responses.follow(id, key, after, signal))
  }
}

/** `POST /v1/responses/{id}/cancel`: ends a background response; of one that has ended, says how. */
export function cancelResponse({ responses }: Pick<FollowServices, 'responses'>) {
  return async function cancelResponse(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    return c.json(await responses.cancel(id, key))
  }
}

/** `DELETE /v1/responses/{id}`: forgets a response, and what it was asked with; ends it where it has not ended. */
export function deleteResponse({ responses }: Pick<FollowServices, 'responses'>) {
  return async function deleteResponse(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    await responses.remove(id, key)
    return c.json({ id, object: 'response', deleted: true } satisfies DeletedResponse)
  }
}

/** `GET /v1/responses/{id}/input_items`: what a response was asked with, a part at a time. */
export function listInputItems({ responses }: Pick<FollowServices, 'responses'>) {
  return async function listInputItems(c: GatewayContext): Promise<Response> {
    const { id, key } = asked(c)
    return c.json(inputItemList(responses.items(id, key), readListWish(c.req.query())))
  }
}

/** `POST /v1/responses/input_tokens`: refused, and what is there in its place. */
export function inputTokens() {
  return async function inputTokens(): Promise<Response> {
    throw new GatewayError(
      'not_found',
      'How many tokens a document takes is known only when its pages are drawn. Send the request to /v1/responses with "ocr": {"dry_run": true}: its ledger says what reading would take.',
    )
  }
}

function asked(c: GatewayContext): { readonly id: string; readonly key: string | null } {
  return { id: c.req.param('id') ?? '', key: c.get('record').key }
}
