import { newResponse } from '../../answer/response.ts'
import { responseWriter } from '../../answer/response-writer.ts'
import { GatewayError } from '../../errors.ts'
import type { OcrServices } from '../../ocr/ocr.ts'
import { createRequest } from '../../request/create-request.ts'
import { readResponse, type EarlierDocuments, type ResponseQuestion } from '../../request/response.ts'
import type { Upstreams } from '../../upstream/upstreams.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough } from '../pass-through.ts'
import { freeMemory } from '../read-body.ts'
import { readJson, type BodyServices, type JsonBody } from '../read-json.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of responses. */
export interface ResponseServices extends RequestServices, BodyServices {
  readonly upstreams: Upstreams
  readonly ocr: OcrServices
}

/** `POST /v1/responses`: answers documents with their text, and forwards conversations to their upstream. */
export function createResponse(services: ResponseServices) {
  return async function createResponse(c: GatewayContext): Promise<Response> {
    const question = await read(c, services)
    if (question.kind === 'pass-through') {
      return passThrough(c, services.upstreams, '/responses', question, question.body, withoutResponses)
    }
    const { parts, answer, onOpened } = question
    const request = createRequest(parts, requestContext(c, services))
    const head = newResponse(request.model.id, answer)
    return answerOcr(
      c,
      services.ocr,
      request,
      responseWriter(request, head, () => {}),
      onOpened,
    )
  }
}

type ReadQuestion =
  | (Extract<ResponseQuestion, { kind: 'ocr' }> & { readonly onOpened: () => void })
  | (Extract<ResponseQuestion, { kind: 'pass-through' }> & { readonly body: JsonBody })

/** A separate function, so that nothing holds the body, perhaps hundreds of megabytes, while its pages are read. */
async function read(c: GatewayContext, services: ResponseServices): Promise<ReadQuestion> {
  const body = await readJson(c, services)
  const earlier: EarlierDocuments = async (id) => {
    throw new GatewayError('not_found', `There is no response ${id}.`, { param: 'previous_response_id' })
  }
  const question = await readResponse(body, requestContext(c, services), earlier).catch((error: unknown) => {
    freeMemory(body.bytes)
    throw error
  })
  if (question.kind !== 'ocr') return { ...question, body }
  const { bytes, reservation } = body
  // Of what came in base64, three quarters are left.
  reservation.resize(Math.ceil((bytes.length * 3) / 4))
  freeMemory(bytes)
  return { ...question, onOpened: () => reservation.release() }
}

/** Of an upstream that has no `/v1/responses` of its own: what it answers would not say so. */
function withoutResponses(status: number, model: string): GatewayError | null {
  if (status !== 404 && status !== 405 && status !== 501) return null
  return new GatewayError(
    'not_found',
    `The upstream of ${model} has no /v1/responses, so that only documents can be sent here. Send the conversation to /v1/chat/completions.`,
  )
}
