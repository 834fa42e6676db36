import type { Source } from '../document/source.ts'
import { chatWriter } from '../answer/chat.ts'
import { mistralWriter, type Annotation } from '../answer/mistral.ts'
import { newResponse } from '../answer/response.ts'
import { responseWriter } from '../answer/response-writer.ts'
import type { AnswerWriter } from '../answer/writer.ts'
import type { ParsedJson } from '../request/body/parse-json.ts'
import { noPreview, readChat, type PassedOn } from '../request/chat.ts'
import type { RequestContext } from '../request/context.ts'
import { createRequest } from '../request/create-request.ts'
import { readMistralOcr } from '../request/mistral.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import { passedBody } from '../request/passed-body.ts'
import { readResponse } from '../request/response.ts'
import type { BatchEndpoint } from './batch.ts'

/** What a line asks for: documents to be read, or an answer of its model's upstream. */
export type LineQuestion = OcrQuestion | ForwardedQuestion

/** Documents to be read. */
export interface OcrQuestion {
  readonly kind: 'ocr'
  readonly request: OcrRequest
  /** What is read before, to annotate the answer with; null: nothing. */
  readonly annotation: OcrRequest | null
  readonly writer: (annotation: Annotation | null) => AnswerWriter
}

/** An answer of its model's upstream. */
export interface ForwardedQuestion {
  readonly kind: 'forwarded'
  readonly path: string
  readonly model: string
  readonly body: Buffer
}

/** What the readers need beside the context of a request. */
export interface QuestionServices {
  /** Tells which names are those of models, and which stand for any. */
  readonly isServed: (model: string) => boolean
  /** Returns the documents that an earlier response of a key has read. Throws `response_not_found`. */
  readonly earlier: (id: string, key: string | null) => readonly Source[]
}

/** Reads the body of a line as that of a request to its endpoint. Throws what the endpoint's reader throws. */
export function readQuestion(
  endpoint: BatchEndpoint,
  body: ParsedJson,
  context: RequestContext,
  services: QuestionServices,
): Promise<LineQuestion> {
  return readers[endpoint](body, context, services)
}

const readers: Readonly<
  Record<
    BatchEndpoint,
    (body: ParsedJson, context: RequestContext, services: QuestionServices) => Promise<LineQuestion>
  >
> = {
  async '/v1/chat/completions'(body, context) {
    const chat = await readChat(body, context)
    if (chat.kind !== 'ocr') return forwarded('/chat/completions', body, chat)
    if (chat.request.preview === true) throw noPreview('Nobody watches the pages of a batch being drawn')
    const request = inBatch(chat.request)
    return { kind: 'ocr', request, annotation: null, writer: () => chatWriter(request, chat.answer) }
  },

  async '/v1/responses'(body, context, { earlier }) {
    const question = await readResponse(body, context, async (id) => earlier(id, context.key))
    if (question.kind !== 'ocr') return forwarded('/responses', body, question)
    const { parts, answer } = question
    const request = inBatch(createRequest(parts, context))
    // Nobody asks for it again: it is in the output file.
    const head = newResponse(request.model.id, { ...answer, store: false })
    return { kind: 'ocr', request, annotation: null, writer: () => responseWriter(request, head, () => {}) }
  },

  async '/v1/ocr'(body, context, { isServed }) {
    const { request: asked, annotation, answer } = await readMistralOcr(body, context, isServed)
    const request = inBatch(asked)
    return {
      kind: 'ocr',
      request,
      annotation: annotation === null ? null : inBatch(annotation),
      writer: (annotated) => mistralWriter(request, answer, annotated),
    }
  },
}

/** Whatever a line says of its urgency, it is none. */
function inBatch(request: OcrRequest): OcrRequest {
  return { ...request, deadline: null, turn: { ...request.turn, lane: 'batch' } }
}

async function forwarded(path: string, body: ParsedJson, passed: PassedOn): Promise<ForwardedQuestion> {
  return { kind: 'forwarded', path, model: passed.model.id, body: await passedBody(body, passed) }
}
