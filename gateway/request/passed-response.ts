import { randomUUID } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { PassedOn } from './chat.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { checkForwardedResponse } from './forwarded-response.ts'

/** What decides whether a response without a document may be passed on. */
interface WithoutDocument {
  readonly ocr?: object | null | undefined
  readonly max_output_tokens?: unknown
}

/**
 * Returns how a request without a document is passed on to its model's own `/v1/responses`. Throws for one that has nothing to
 * read and may not be passed on, and what checkForwardedResponse throws.
 */
export async function passedResponse(
  body: RequestBody,
  request: WithoutDocument,
  model: ServedModel,
  { textChats: { areRefused, maxTokens }, key }: RequestContext,
): Promise<PassedOn> {
  if (model.profile === null) {
    await checkForwardedResponse(body, { media: true })
    return { kind: 'pass-through', model, turn: null, changed: {} }
  }
  const isOcr = (request.ocr ?? null) !== null
  if (isOcr || model.engine !== 'vllm' || areRefused) throw nothingToRead(model, areRefused)
  await checkForwardedResponse(body, { media: false })
  // Nobody waits for a title as for a page.
  const turn = { lane: 'batch', key: key ?? '', request: randomUUID() } as const
  const asked = request.max_output_tokens
  const isWithin = maxTokens === null || (typeof asked === 'number' && asked <= maxTokens)
  return { kind: 'pass-through', model, turn, changed: isWithin ? {} : { max_output_tokens: maxTokens } }
}

function nothingToRead({ id, engine }: ServedModel, areRefused: boolean): GatewayError {
  const others =
    engine !== 'vllm'
      ? `; ${id} cannot chat`
      : areRefused
        ? `; this gateway lets no other request reach ${id} (GATEWAY_TEXT_CHATS)`
        : ''
  return new GatewayError(
    'invalid_value',
    `There is no document to read. Send one as an "input_file" or "input_image" part of a message in "input"${others}.`,
    { param: 'input' },
  )
}
