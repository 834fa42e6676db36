import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import type { Turn } from '../schedule/turn.ts'
import {
  chatMessage,
  chatRequest,
  conversationRequest,
  documentRequest,
  type ChatMessage,
  type ChatRequest,
} from '../wire/openai/chat-request.ts'
import { check } from './check.ts'
import { readPart } from './content-part.ts'
import { askedOf, type Message } from './conversation.ts'
import { createRequest } from './create-request.ts'
import { ocrObjectNames, ocrObjectOptions } from './ocr-object.ts'
import type { OcrRequest } from './ocr-request.ts'
import { findOthers } from './routes.ts'
import { completeOptions, type OcrOptions } from './options.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { checkForwardedChat } from './forwarded.ts'
import { sourceOf } from './source.ts'
import { wholeTexts } from './whole-texts.ts'

/** How the answer of a chat completion is written. */
export interface ChatAnswer {
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** What a chat completion asks for: documents to be read, or an answer from its model's upstream. */
export type ChatQuestion =
  { readonly kind: 'ocr'; readonly request: OcrRequest; readonly answer: ChatAnswer } | PassedOn

/** A chat that its model's upstream answers. */
export interface PassedOn {
  readonly kind: 'pass-through'
  readonly model: ServedModel
  /** Whose turn it is where pages wait for the same model; null: it waits for nothing. */
  readonly turn: Turn | null
  /** Fields of the body that have another value for the upstream; with none, its bytes are passed on as they came. */
  readonly changed: Readonly<Record<string, unknown>>
}

/** Checking so many takes long enough to let others have their turn. */
const MANY_MESSAGES = 1000

/** Reads the body of `POST /v1/chat/completions`. Throws the error of the first invalid field, and names the field. */
export async function readChat(body: RequestBody, context: RequestContext): Promise<ChatQuestion> {
  const { model: name, messages } = check(conversationRequest, body.outline, '')
  const conversation = messages.map((message, index) => check(chatMessage, message, `messages[${index}]`))
  if (messages.length > MANY_MESSAGES) await shareLoop()
  const model = await context.findModel(name)
  if (model.profile === null) {
    await checkForwardedChat(body, { media: true })
    return { kind: 'pass-through', model, turn: null, changed: {} }
  }
  const chat = check(chatRequest, body.outline, '')
  const read = readMessages(conversation)
  if (read.every(({ parts }) => parts.every(({ kind }) => kind !== 'document'))) {
    return textOnly(body, chat, model, context)
  }
  if (messages.length > MANY_MESSAGES) await shareLoop()
  const request = await ocrRequest(body, read, { ...model, profile: model.profile }, context)
  const answer = { stream: chat.stream === true, includeUsage: chat.stream_options?.include_usage === true }
  return { kind: 'ocr', request, answer }
}

async function textOnly(
  body: RequestBody,
  chat: ChatRequest,
  model: ServedModel,
  context: RequestContext,
): Promise<ChatQuestion> {
  const { areRefused, maxTokens } = context.textChats
  if (chat.ocr !== undefined || model.engine !== 'vllm' || areRefused) throw nothingToRead(model, areRefused)
  await checkForwardedChat(body, { media: false })
  // Nobody waits for a title as for a page.
  const turn = { lane: 'batch', key: context.key ?? '', request: randomUUID() } as const
  return { kind: 'pass-through', model, turn, changed: maxTokens === null ? {} : lowered(chat, maxTokens) }
}

function nothingToRead({ id, engine }: ServedModel, areRefused: boolean): GatewayError {
  const chats =
    engine === 'vllm'
      ? areRefused
        ? `; this gateway lets no other chat reach ${id} (GATEWAY_TEXT_CHATS)`
        : ''
      : `; ${id} cannot chat`
  return new GatewayError(
    'invalid_value',
    `There is no document to read. Send one as a "file" or "image_url" content part${chats}.`,
    { param: 'messages' },
  )
}

/** Returns the fields that bound a chat's tokens, where they are missing or too high. vLLM heeds either of the two. */
function lowered(chat: ChatRequest, maxTokens: number): Readonly<Record<string, number>> {
  const names = ['max_completion_tokens', 'max_tokens'].filter((name) => (chat[name] ?? null) !== null)
  const isWithin = (value: unknown) => typeof value === 'number' && value <= maxTokens
  const changed = names.length === 0 ? ['max_tokens'] : names.filter((name) => !isWithin(chat[name]))
  return Object.fromEntries(changed.map((name) => [name, maxTokens]))
}

async function ocrRequest(
  body: RequestBody,
  messages: readonly Message[],
  model: OcrModel,
  context: RequestContext,
): Promise<OcrRequest> {
  const whole = wholeTexts(body)
  const { ocr, response_format: format, ...rest } = body.outline as Record<string, unknown>
  const chat = check(documentRequest, { ...rest, ...(whole({ ocr, response_format: format }) as object) }, '')
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
  const others = await findOthers(model, options, context)
  if (options.dryRun && options.preview === true) throw noPreview('A dry run shows no pages')
  const { documents, texts, leftOut } = askedOf(messages, options.documents)
  const userText = texts.map(whole).join('\n\n').trim()
  const sources: Source[] = []
  // One after the other: of each, the bytes before and after decoding are held for a moment.
  for (const document of documents) sources.push(await sourceOf(document, options, body, context))
  return createRequest({ model, sources, userText, leftOut, options, names: ocrObjectNames, others }, context)
}

/** Returns the refusal of pictures that nobody would see. */
export function noPreview(why: string): GatewayError {
  return new GatewayError('invalid_value', `${why}. Leave ocr.preview out.`, { param: 'ocr.preview' })
}

function answerFormat({ response_format: format }: ChatRequest): OcrOptions['answerFormat'] {
  if (format === null || format === undefined) return null
  return { schema: format.type === 'json_schema' ? (format.json_schema.schema ?? null) : null }
}

function readMessages(messages: readonly ChatMessage[]): Message[] {
  return messages.map(({ role, content }, index) => {
    const path = `messages[${index}].content`
    if (typeof content === 'string') return { role, parts: [{ kind: 'text', text: content }] }
    if (content === null || content === undefined) return { role, parts: [] }
    const parts = check(z.array(z.unknown(), 'expected a string or an array of content parts'), content, path)
    return { role, parts: parts.map((part, partIndex) => readPart(part, `${path}[${partIndex}]`)) }
  })
}
