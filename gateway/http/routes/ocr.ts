import { collect } from '../../answer/collect.ts'
import { mistralWriter, type Annotation } from '../../answer/mistral.ts'
import { answerEvents } from '../../ocr/answer-events.ts'
import type { OcrServices } from '../../ocr/ocr.ts'
import { bodyOfForm } from '../../request/mistral-form.ts'
import { readMistralOcr, type MistralQuestion } from '../../request/mistral.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import { answerOcr } from '../answer-ocr.ts'
import type { GatewayContext } from '../context.ts'
import { isForm, readDocumentForm } from '../read-document-form.ts'
import { freeMemory } from '../../request/body/free-memory.ts'
import { readJson, type BodyServices } from '../read-json.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of Mistral's endpoint. */
export interface MistralServices extends RequestServices, BodyServices {
  readonly ocr: OcrServices
}

/** `POST /v1/ocr`: answers a document with its pages, as Mistral's clients expect them. */
export function mistralOcr(services: MistralServices) {
  return async function mistralOcr(c: GatewayContext): Promise<Response> {
    const { request, annotation, answer, onOpened } = await read(c, services)
    const annotated = annotation === null ? null : await annotate(annotation, services, c.req.raw.signal)
    return answerOcr(c, services.ocr, request, mistralWriter(request, answer, annotated), onOpened)
  }
}

async function annotate(request: OcrRequest, { ocr }: MistralServices, signal: AbortSignal): Promise<Annotation> {
  return { request, reading: await collect(answerEvents(request, ocr, signal)) }
}

type ReadQuestion = MistralQuestion & { readonly onOpened: () => void }

/** Separate functions, so that nothing holds the body while its pages are read. */
function read(c: GatewayContext, services: MistralServices): Promise<ReadQuestion> {
  return isForm(c) ? readForm(c, services) : readObject(c, services)
}

async function readObject(c: GatewayContext, services: MistralServices): Promise<ReadQuestion> {
  const { reservation, bytes, ...body } = await readJson(c, services)
  try {
    const question = await readMistralOcr(body, requestContext(c, services), isServedBy(services))
    // Of what came in base64, three quarters are left.
    reservation.resize(Math.ceil((bytes.length * 3) / 4))
    return { ...question, onOpened: () => reservation.release() }
  } finally {
    freeMemory(bytes)
  }
}

async function readForm(c: GatewayContext, services: MistralServices): Promise<ReadQuestion> {
  const { fields, file, reservation } = await readDocumentForm(c, services)
  const body = { outline: bodyOfForm(fields), longText: () => null, repeatedName: async () => null }
  const question = await readMistralOcr(body, requestContext(c, services), isServedBy(services), file)
  return { ...question, onOpened: () => reservation.release() }
}

/** Tells which names are those of models, and which stand for any. */
function isServedBy({ models }: Pick<RequestServices, 'models'>): (name: string) => boolean {
  return (name) => models.list().some(({ id }) => id === name)
}
