import { refuseLane } from '../../access/access.ts'
import { newResponse } from '../../answer/response.ts'
import { responseWriter } from '../../answer/response-writer.ts'
import { GatewayError, reworded } from '../../errors.ts'
import type { OcrServices } from '../../ocr/ocr.ts'
import { createRequest } from '../../request/create-request.ts'
import type { RequestContext } from '../../request/context.ts'
import { readResponse, type EarlierDocuments, type ResponseQuestion } from '../../request/response.ts'
import type { AskedResponse, KeepingResponse } from '../../responses/asked.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough, type PassingServices } from '../pass-through.ts'
import { freeMemory } from '../../request/body/free-memory.ts'
import { readJson, type BodyServices, type JsonBody } from '../read-json.ts'
import { followed, type FollowServices } from '../follow-response.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of responses. */
export interface ResponseServices extends RequestServices, BodyServices, FollowServices, PassingServices {
  readonly ocr: OcrServices
}

/** `POST /v1/responses`: answers documents with their text, and forwards conversations to their upstream. */
export function createResponse(services: ResponseServices) {
  return async function createResponse(c: GatewayContext): Promise<Response> {
    const question = await read(c, services)
    if (question.kind === 'pass-through') {
      return passThrough(c, services, '/responses', question, question.body, withoutResponses)
    }
    const { answer, onOpened, ...asked } = question
    const context = requestContext(c, services)
    const head = newResponse(asked.parts.model.id, answer)
    const response = { ...asked, head, requestId: context.requestId, key: context.key }
    if (answer.background) return inBackground(c, services, response, onOpened)
    const keeping = answer.store ? keep(c, services, response) : null
    const request = createRequest({ ...asked.parts, sources: keeping?.sources ?? asked.parts.sources }, context)
    const writer = responseWriter(request, head, (done) => keeping?.done(done))
    return answerOcr(c, services.ocr, request, writer, onOpened)
  }
}

function keep(c: GatewayContext, { responses }: ResponseServices, response: AskedResponse): KeepingResponse {
  const keeping = responses.keep(response)
  c.env.outgoing.once('close', () => keeping.ended())
  return keeping
}

async function inBackground(
  c: GatewayContext,
  services: ResponseServices,
  response: AskedResponse,
  onOpened: () => void,
): Promise<Response> {
  const { responses } = services
  const { head, key, parts } = response
  Object.assign(c.get('record'), { model: head.model, documents: parts.sources.length })
  // What is wrong with the options is said now; what is wrong with the documents, when they are read.
  refuseLane(c.get('caller'), createRequest(parts, response).turn.lane)
  const queued = await responses.start(response, c.req.raw.signal)
  onOpened()
  if (!head.answer.stream) return c.json(queued)
  return followed(c, services, (signal) => responses.follow(head.id, key, -1, signal))
}

type ReadQuestion =
  | (Extract<ResponseQuestion, { kind: 'ocr' }> & { readonly onOpened: () => void })
  | (Extract<ResponseQuestion, { kind: 'pass-through' }> & { readonly body: JsonBody })

/** A separate function, so that nothing holds the body, perhaps hundreds of megabytes, while its pages are read. */
async function read(c: GatewayContext, services: ResponseServices): Promise<ReadQuestion> {
  const body = await readJson(c, services)
  const context = requestContext(c, services)
  const question = await readResponse(body, context, earlierOf(services, context)).catch((error: unknown) => {
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

function earlierOf({ responses }: ResponseServices, { key }: RequestContext): EarlierDocuments {
  return async function earlier(id) {
    try {
      return responses.documents(id, key)
    } catch (error) {
      throw error instanceof GatewayError ? reworded(error, error.message, 'previous_response_id') : error
    }
  }
}

/** Of an upstream that has no `/v1/responses` of its own: what it answers would not say so. */
function withoutResponses(status: number, model: string): GatewayError | null {
  if (status !== 404 && status !== 405 && status !== 501) return null
  return new GatewayError(
    'not_found',
    `The upstream of ${model} has no /v1/responses, so that only documents can be sent here. Send the conversation to /v1/chat/completions.`,
  )
}
