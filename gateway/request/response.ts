import { z } from 'zod'
import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { OcrModel } from '../profile/question.ts'
import { shareLoop } from '../schedule/loop-share.ts'
import {
  responseConversation,
  responseItem,
  responseRequest,
  type ResponseItem,
  type ResponseRequest,
} from '../wire/openai/response-request.ts'
import type { PassedOn } from './chat.ts'
import { check } from './check.ts'
import { readPart } from './content-part.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { askedOf, type Message } from './conversation.ts'
import type { RequestParts } from './create-request.ts'
import { ocrObjectNames, ocrObjectOptions } from './ocr-object.ts'
import { completeOptions, type OptionNames } from './options.ts'
import { passedResponse } from './passed-response.ts'
import { readAnswer, type ResponseAnswer } from './response-answer.ts'
import { findOthers } from './routes.ts'
import { sourceOf } from './source.ts'
import { wholeTexts } from './whole-texts.ts'

/** What a request for a response asks for: documents to be read, or an answer from its model's upstream. */
export type ResponseQuestion =
  | {
      readonly kind: 'ocr'
      readonly parts: RequestParts
      readonly answer: ResponseAnswer
      /** The conversation, instructions left out, with its texts whole. */
      readonly messages: readonly Message[]
    }
  | PassedOn

/** Finds the documents that an earlier response has read. Throws `response_not_found`, naming `previous_response_id`. */
export type EarlierDocuments = (responseId: string) => Promise<readonly Source[]>

/** The options that errors name, as a request for a response calls them. */
export const responseNames: OptionNames = { ...ocrObjectNames, answerFormat: 'text.format' }

/** Checking so many takes long enough to let others have their turn. */
const MANY_ITEMS = 1000

/** Reads the body of `POST /v1/responses`. Throws the error of the first invalid field, and names the field. */
export async function readResponse(
  body: RequestBody,
  context: RequestContext,
  earlier: EarlierDocuments,
): Promise<ResponseQuestion> {
  const { model: name, input } = check(responseConversation, body.outline, '')
  const items = itemsOf(input ?? [])
  if (items.length > MANY_ITEMS) await shareLoop()
  const model = await context.findModel(name)
  if (model.profile === null) return passedResponse(body, {}, model, context)
  const request = check(responseRequest, body.outline, '')
  refuseStored(request)
  const messages = readItems(input, items)
  const previous = request.previous_response_id ?? null
  const earlierSources = previous === null ? [] : await earlier(previous)
  const hasDocument = messages.some(({ parts }) => parts.some(({ kind }) => kind === 'document'))
  if (!hasDocument && earlierSources.length === 0) return passedResponse(body, request, model, context)
  return readDocuments(body, messages, earlierSources, { ...model, profile: model.profile }, context)
}

/** What refers to things that OpenAI stores, and this gateway does not. */
const storedElsewhere: Readonly<Record<string, string>> = {
  conversation: 'conversations are not kept here; send the items in "input", or name a "previous_response_id"',
  prompt: 'prompt templates are not kept here; send the text in "instructions" or "input"',
}

function refuseStored(request: ResponseRequest): void {
  for (const [name, why] of Object.entries(storedElsewhere)) {
    if ((request[name] ?? null) === null) continue
    throw new GatewayError('invalid_value', `${name}: ${why}.`, { param: name })
  }
}

function itemsOf(input: string | readonly unknown[]): readonly ResponseItem[] {
  if (typeof input === 'string') return []
  return input.map((item, index) => check(responseItem, item, `input[${index}]`))
}

/** What a model or a tool has said, and what only names it. */
const saidByModel: ReadonlySet<string> = new Set(['reasoning', 'function_call', 'item_reference', 'compaction'])

function readItems(input: string | readonly unknown[] | null | undefined, items: readonly ResponseItem[]): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: input }] }]
  return items.map((item, index) => readItem(item, `input[${index}]`))
}

function readItem(item: ResponseItem, path: string): Message {
  const type = item.type ?? 'message'
  if (type === 'message') {
    if (typeof item.role !== 'string') throw withoutRole(path)
    return { role: item.role, parts: readContent(item['content'], `${path}.content`) }
  }
  // A part where an item belongs: hand-written clients send it, and it can mean but one thing.
  if (/^(?:input_|file|image|document)/.test(type)) return { role: 'user', parts: [readPart(item, path)] }
  // What a tool gives back may hold a document.
  if (type.endsWith('_output') && Array.isArray(item['output'])) {
    return { role: 'tool', parts: readContent(item['output'], `${path}.output`) }
  }
  if (/_(?:call|output)$/.test(type) || saidByModel.has(type)) return { role: 'assistant', parts: [] }
  throw unknownItem(type, path)
}

function readContent(content: unknown, path: string): Message['parts'] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (content === null || content === undefined) return []
  const parts = check(z.array(z.unknown(), 'expected a string or an array of content parts'), content, path)
  return parts.map((part, index) => readPart(part, `${path}[${index}]`))
}

const ITEMS =
  'An item of the input is a message: {"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,…"}]}'

function withoutRole(path: string): GatewayError {
  return new GatewayError('invalid_value', `${path}.role: expected a string. ${ITEMS}.`, { param: `${path}.role` })
}

function unknownItem(type: string, path: string): GatewayError {
  const message = `${path}.type: unsupported type ${JSON.stringify(type.slice(0, 100))}. ${ITEMS}.`
  return new GatewayError('invalid_value', message, { param: `${path}.type` })
}

async function readDocuments(
  body: RequestBody,
  conversation: readonly Message[],
  earlier: readonly Source[],
  model: OcrModel,
  context: RequestContext,
): Promise<ResponseQuestion> {
  const whole = wholeTexts(body)
  const { input: _, ...rest } = body.outline as Record<string, unknown>
  const request = check(responseRequest, whole(rest), '')
  const answer = readAnswer(request)
  const options = completeOptions(
    {
      ...ocrObjectOptions(request.ocr ?? {}),
      answerFormat: answerFormat(answer),
      isAuto: model.auto !== undefined,
      lane: answer.serviceTier === 'flex' ? 'batch' : 'interactive',
      // A stream has no deadline, nor has what nobody waits for.
      patienceSeconds: answer.stream || answer.background ? null : context.patienceSeconds,
    },
    responseNames,
  )
  if (answer.background && options.password !== null) throw passwordOfBackground()
  const messages = conversation.map((message) => withWholeTexts(message, whole))
  const { documents, texts, leftOut } = askedOf([...instructionsOf(answer), ...messages], options.documents)
  const isEarlierRead = documents.length === 0 || options.documents === 'all'
  const sources = isEarlierRead ? earlier.map((source) => ({ ...source, password: options.password })) : []
  // One after the other: of each, the bytes before and after decoding are held for a moment.
  for (const document of documents) sources.push(await sourceOf(document, options, body, context))
  const parts = {
    model,
    sources,
    userText: texts.join('\n\n').trim(),
    leftOut: leftOut + (isEarlierRead ? 0 : earlier.length),
    options,
    names: responseNames,
    others: await findOthers(model, options, context),
  }
  return { kind: 'ocr', parts, answer, messages }
}

function withWholeTexts({ role, parts }: Message, whole: (text: string) => string): Message {
  return { role, parts: parts.map((part) => (part.kind === 'text' ? { kind: 'text', text: whole(part.text) } : part)) }
}

function instructionsOf({ instructions }: ResponseAnswer): Message[] {
  return instructions === null ? [] : [{ role: 'system', parts: [{ kind: 'text', text: instructions }] }]
}

function answerFormat({ format }: ResponseAnswer): { schema: Readonly<Record<string, unknown>> | null } | null {
  if (format.type === 'text') return null
  return { schema: format.type === 'json_schema' ? format.schema : null }
}

function passwordOfBackground(): GatewayError {
  return new GatewayError(
    'invalid_value',
    'ocr.password: a background response is kept on disk until it is done, and passwords never are. Leave "background" out, and stream the answer.',
    { param: 'ocr.password' },
  )
}
