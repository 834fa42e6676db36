import { z } from 'zod'
import { inlineSource, type Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { chatRequest, contentPart, type ChatRequest, type ContentPart } from '../wire/openai/chat-request.ts'
import { check } from './check.ts'
import { createRequest } from './create-request.ts'
import { decodeInline } from './data-url.ts'
import { ocrObjectNames, ocrObjectOptions } from './ocr-object.ts'
import type { OcrRequest } from './ocr-request.ts'
import { completeOptions, type OcrOptions } from './options.ts'
import type { RequestBody, RequestContext } from './context.ts'

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
  const outline = check(chatRequest, body.outline, '')
  const model = await context.findModel(outline.model)
  if (model.profile === null) return { kind: 'pass-through', model }
  if (contentParts(outline).every(({ part }) => part.type === 'text')) return textOnly(outline, model)
  const chat = check(chatRequest, body.value(), '')
  const request = ocrRequest(chat, { ...model, profile: model.profile }, context)
  const answer = { stream: chat.stream === true, includeUsage: chat.stream_options?.include_usage === true }
  return { kind: 'ocr', request, answer }
}

function textOnly(chat: ChatRequest, model: ServedModel): ChatQuestion {
  if (chat.ocr === undefined && model.engine === 'vllm') return { kind: 'pass-through', model }
  throw new GatewayError(
    'invalid_value',
    `There is no document to read. Send one as a "file" or "image_url" content part${model.engine === 'vllm' ? '' : `; ${model.id} cannot chat`}.`,
    { param: 'messages' },
  )
}

function ocrRequest(chat: ChatRequest, model: OcrModel, context: RequestContext): OcrRequest {
  const parts = contentParts(chat)
  const options = completeOptions(
    {
      ...ocrObjectOptions(chat.ocr ?? {}),
      lane: chat.service_tier === 'flex' ? 'batch' : 'interactive',
      // A stream has no deadline: its keep-alives hold the client.
      patienceSeconds: chat.stream === true ? null : context.patienceSeconds,
    },
    ocrObjectNames,
  )
  const userText = parts.flatMap(({ part }) => (part.type === 'text' ? [part.text] : [])).join('\n\n')
  const sources = parts.flatMap((located) => readSource(located, options, context))
  return createRequest({ model, sources, userText: userText.trim(), options, names: ocrObjectNames }, context)
}

interface LocatedPart {
  readonly part: ContentPart
  /** `messages[0].content[1]` */
  readonly path: string
}

const ignoredPartTypes: ReadonlySet<unknown> = new Set(['refusal'])

function contentParts(chat: ChatRequest): LocatedPart[] {
  return chat.messages.flatMap((message, index) => {
    const path = `messages[${index}].content`
    if (typeof message.content === 'string') return [{ part: { type: 'text' as const, text: message.content }, path }]
    if (message.content === null || message.content === undefined) return []
    const parts = check(z.array(z.unknown(), 'expected a string or an array of content parts'), message.content, path)
    return parts.flatMap((raw, partIndex) => {
      if (ignoredPartTypes.has((raw as { type?: unknown } | null)?.type)) return []
      const partPath = `${path}[${partIndex}]`
      return [{ part: check(contentPart, raw, partPath), path: partPath }]
    })
  })
}

function readSource(
  { part, path }: LocatedPart,
  { password }: OcrOptions,
  { maxDocumentBytes }: RequestContext,
): Source[] {
  if (part.type === 'text') return []
  if (part.type === 'image_url') {
    const param = `${path}.image_url.url`
    const { bytes, mediaType } = decodeInline(part.image_url.url, param, maxDocumentBytes)
    return [inlineSource(bytes, { param, filename: null, declaredMediaType: mediaType, password })]
  }
  if (part.file.file_data === undefined) throw missingFileData(part.file.file_id, path)
  const param = `${path}.file.file_data`
  const { bytes, mediaType } = decodeInline(part.file.file_data, param, maxDocumentBytes)
  return [inlineSource(bytes, { param, filename: part.file.filename ?? null, declaredMediaType: mediaType, password })]
}

function missingFileData(fileId: string | undefined, path: string): GatewayError {
  if (fileId === undefined) {
    return new GatewayError('invalid_value', 'A file part needs "file_data": the document as a base64 data URL.', {
      param: `${path}.file.file_data`,
    })
  }
  return new GatewayError(
    'file_not_found',
    `There is no file ${JSON.stringify(fileId.slice(0, 100))}. Send the document in "file_data".`,
    {
      param: `${path}.file.file_id`,
    },
  )
}
