import { mistralWriter } from '../../answer/mistral.ts'
import type { OcrServices } from '../../ocr/ocr.ts'
import { readMistralOcr, type MistralQuestion } from '../../request/mistral.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { freeMemory } from '../read-body.ts'
import { readJson, type BodyServices } from '../read-json.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of Mistral's endpoint. */
export interface MistralServices extends RequestServices, BodyServices {
  readonly ocr: OcrServices
}

/** `POST /v1/ocr`: answers a document with its pages, as Mistral's clients expect them. */
export function mistralOcr(services: MistralServices) {
  return async function mistralOcr(c: GatewayContext): Promise<Response> {
    const { request, answer, onOpened } = await read(c, services)
    return answerOcr(c, services.ocr, request, mistralWriter(request, answer), onOpened)
  }
}

/** A separate function, so that nothing holds the body while its pages are read. */
async function read(
  c: GatewayContext,
  services: MistralServices,
): Promise<MistralQuestion & { readonly onOpened: () => void }> {
  const { reservation, ...body } = await readJson(c, services)
  const { bytes } = body
  try {
    const question = await readMistralOcr(body, requestContext(c, services), isServedBy(services))
    // Of what came in base64, three quarters are left.
    reservation.resize(Math.ceil((bytes.length * 3) / 4))
    return { ...question, onOpened: () => reservation.release() }
  } finally {
    freeMemory(bytes)
  }
}

/** Tells which names are those of models, and which stand for any. */
export function isServedBy({ models }: Pick<RequestServices, 'models'>): (name: string) => boolean {
  return (name) => models.list().some(({ id }) => id === name)
}
