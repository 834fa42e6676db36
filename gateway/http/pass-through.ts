import type { Upstreams } from '../engine/upstreams.ts'
import { DEFAULT_MODEL } from '../engine/model-list.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { GatewayContext } from './context.ts'
import type { JsonBody } from './read-json.ts'

/** Sends a request on to its model's upstream as it came, and the answer back as it comes. */
export async function passThrough(
  c: GatewayContext,
  upstreams: Upstreams,
  path: string,
  model: ServedModel,
  { bytes, value }: JsonBody,
): Promise<Response> {
  const record = c.get('record')
  record.model = model.id
  const headers = { ...c.req.header(), 'x-request-id': c.get('requestId') }
  // Only the gateway knows the alias; everything else is none of its business.
  const aliased = (value as { model?: unknown }).model === DEFAULT_MODEL
  const body = aliased ? JSON.stringify({ ...(value as object), model: model.id }) : bytes
  const answer = await upstreams.forward({ method: 'POST', path, headers, body, model: model.id }, c.req.raw.signal)
  const { 'x-request-id': _, ...theirs } = answer.headers
  record.streaming = true
  record.stream = theirs['content-type']?.startsWith('text/event-stream') ?? false
  return new Response(
    endWatched(answer.body, (left) => record.end(left ? 499 : answer.status)),
    {
      status: answer.status,
      headers: { ...theirs, 'x-request-id': c.get('requestId') },
    },
  )
}

/** Tells once when a body has been read to its end, or dropped. */
function endWatched(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onEnd: (left: boolean) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          controller.close()
          onEnd(false)
        } catch (error) {
          controller.error(error)
          onEnd(true)
        }
      },
      async cancel(reason) {
        onEnd(true)
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
