import { z } from 'zod'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { chatRequest, conversationRequest, documentRequest, type ChatRequest } from '../wire/openai/chat-request.ts'
import { check } from './check.ts'
import { readPart } from './content-part.ts'
import { askedOf, type Message } from './conversation.ts'
import { createRequest } from './create-request.ts'
import { ocrObjectNames, ocrObjectOptions } from './ocr-object.ts'
import type { OcrRequest } from './ocr-request.ts'
import { completeOptions, type OcrOptions } from './options.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { checkForwardedChat, type Forwarding } from './forwarded.ts'
import { sourceOf } from './source.ts'

/** How the answer of a chat completion is written. */
export interface ChatAnswer {
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** What a chat completion asks for: documents to be read, or an answer from its model's upstream. */
export type ChatQuestion =
  | { readonly kind: 'ocr'; readonly request: OcrRequest; readonly answer: ChatAnswer }
  | { readonly kind: 'pass-through'; readonly model: ServedModel }

/** Reads the body of `POST /v1/chat/completions`. Throws the error of the first invalid field, and names the field. */
export async function readChat(body: RequestBody, context: RequestContext): Promise<ChatQuestion> {
  const { model: name } = check(conversationRequest, body.outline, '')
  const model = await context.findModel(name)
  if (model.profile === null) return passOn(body, model, { media: true })
  const outline = check(chatRequest, body.outline, '')
  if (readMessages(outline).every(({ parts }) => parts.every(({ kind }) => kind !== 'document'))) {
    return textOnly(body, outline, model)
  }
  const chat = check(documentRequest, body.value(), '')
  const request = ocrRequest(chat, { ...model, profile: model.profile }, context)
  const answer = { stream: chat.stream === true, includeUsage: chat.stream_options?.include_usage === true }
  return { kind: 'ocr', request, answer }
}

function textOnly(body: RequestBody, chat: ChatRequest, model: ServedModel): ChatQuestion {
  if (chat.ocr === undefined && model.engine === 'vllm') return passOn(body, model, { media: false })
  throw new GatewayError(
    'invalid_value',
    `There is no document to read. Send one as a "file" or "image_url" content part${model.engine === 'vllm' ? '' : `; ${model.id} cannot chat`}.`,
    { param: 'messages' },
  )
}

function passOn(body: RequestBody, model: ServedModel, forwarding: Forwarding): ChatQuestion {
  checkForwardedChat(body, forwarding)
  return { kind: 'pass-through', model }
}

function ocrRequest(chat: ChatRequest, model: OcrModel, context: RequestContext): OcrRequest {
  const options = completeOptions(
    {
      ...ocrObjectOptions(chat.ocr ?? {}),
      answerFormat: answerFormat(chat),
      lane: chat.service_tier === 'flex' ? 'batch' : 'interactive',
      // A stream has no deadline: its keep-alives hold the client.
      patienceSeconds: chat.stream === true ? null : context.patienceSeconds,
    },
    ocrObjectNames,
  )
  const { documents, userText, leftOut } = askedOf(readMessages(chat), options.documents)
  const sources = documents.map((document) => sourceOf(document, options, context))
  return createRequest({ model, sources, userText, leftOut, options, names: ocrObjectNames }, context)
}

function answerFormat({ response_format: format }: ChatRequest): OcrOptions['answerFormat'] {
  if (format === null || format === undefined) return null
  return { schema: format.type === 'json_schema' ? (format.json_schema.schema ?? null) : null }
}

function readMessages({ messages }: ChatRequest): Message[] {
  return messages.map(({ role, content }, index) => {
    const path = `messages[${index}].content`
    if (typeof content === 'string') return { role, parts: [{ kind: 'text', text: content }] }
    if (content === null || content === undefined) return { role, parts: [] }
    const parts = check(z.array(z.unknown(), 'expected a string or an array of content parts'), content, path)
    return { role, parts: parts.map((part, partIndex) => readPart(part, `${path}[${partIndex}]`)) }
  })
}
