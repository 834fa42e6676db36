import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import {
  chatRequest,
  contentPart,
  ocrOptions,
  type ChatRequest,
  type ContentPart,
  type OcrOptions,
} from '../wire/openai/chat-request.ts'
import { parsePageRange } from '../page/page-range.ts'
import type { Preparation } from '../page/preparation.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { decodeInline } from './data-url.ts'
import type { OcrModel } from '../profile/question.ts'
import type { OcrRequest } from './ocr-request.ts'
import { chooseTask } from './task.ts'

/** How the answer of a chat completion is written. */
export interface ChatAnswer {
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** What a chat completion turned out to be: documents to read, or a conversation that an upstream answers itself. */
export type ParsedChat =
  | { readonly kind: 'ocr'; readonly request: OcrRequest; readonly answer: ChatAnswer }
  | { readonly kind: 'pass-through'; readonly model: ServedModel }

/** A body that need not be read whole: without the documents it says what is to be done with it. */
export interface ChatBody {
  /** What the body says, with an ellipsis in place of long strings. */
  readonly outline: unknown
  readonly value: () => unknown
}

/** What parsing needs beside the body. */
export interface ParseContext {
  readonly requestId: string
  /** The name of the caller's API key; null for anyone. */
  readonly key: string | null
  /** How long the client waits for a whole answer, in seconds from now; null when it does not say. */
  readonly patienceSeconds: number | null
  readonly maxDocumentBytes: number
  /** Finds the model of a name; throws `model_not_found`. */
  readonly findModel: (name: string) => Promise<ServedModel>
}

const DEFAULT_PAGE_SEPARATOR = '\n\n---\n\n'

/** Reads the body of `POST /v1/chat/completions`. Throws the error of the first field at fault, naming it. */
export async function parseChat(body: ChatBody, context: ParseContext): Promise<ParsedChat> {
  const outline = check(chatRequest, body.outline, '')
  const model = await context.findModel(outline.model)
  if (model.profile === null) return { kind: 'pass-through', model }
  if (contentParts(outline).every(({ part }) => part.type === 'text')) return textOnly(outline, model)
  const chat = check(chatRequest, body.value(), '')
  const request = ocrRequest(chat, { ...model, profile: model.profile }, context)
  const answer = { stream: chat.stream === true, includeUsage: chat.stream_options?.include_usage === true }
  return { kind: 'ocr', request, answer }
}

function textOnly(chat: ChatRequest, model: ServedModel): ParsedChat {
  if (chat.ocr === undefined && model.engine === 'vllm') return { kind: 'pass-through', model }
  throw new GatewayError(
    'invalid_value',
    `There is no document to read. Send one as a "file" or "image_url" content part${model.engine === 'vllm' ? '' : `; ${model.id} cannot chat`}.`,
    { param: 'messages' },
  )
}

function ocrRequest(
  chat: ChatRequest,
  model: OcrModel,
  { requestId, key, maxDocumentBytes, patienceSeconds }: ParseContext,
): OcrRequest {
  const parts = contentParts(chat)
  const options = chat.ocr ?? {}
  const output = options.output ?? 'markdown'
  if (output === 'json' && options.page_separator !== undefined) {
    throw new GatewayError(
      'invalid_value',
      'With ocr.output "json" the pages are elements of an array; leave ocr.page_separator out.',
      {
        param: 'ocr.page_separator',
      },
    )
  }
  const userText = parts.flatMap(({ part }) => (part.type === 'text' ? [part.text] : [])).join('\n\n')
  const password = options.password ?? null
  return {
    id: requestId,
    model,
    sources: parts.flatMap((located) => readSource(located, password, maxDocumentBytes)),
    pages: options.pages === undefined ? null : parsePageRange(options.pages),
    ...chooseTask(model, options, userText.trim()),
    output,
    pageSeparator: options.page_separator ?? DEFAULT_PAGE_SEPARATOR,
    preparation: chosen(options.prepare ?? {}),
    onPageError: options.on_page_error ?? 'mark',
    cache: options.cache ?? 'use',
    confidence: options.confidence ?? false,
    dryRun: options.dry_run ?? false,
    turn: { lane: chat.service_tier === 'flex' ? 'batch' : 'interactive', key: key ?? '', request: randomUUID() },
    // A stream keeps its reader awake and has no deadline.
    deadline: patienceSeconds === null || chat.stream === true ? null : performance.now() + patienceSeconds * 1000,
  }
}

/** Keeps what was asked for: `rotate: false` says the same as nothing, and must not change the page key. */
function chosen(prepare: NonNullable<OcrOptions['prepare']>): Preparation {
  return Object.fromEntries(Object.entries(prepare).filter(([, value]) => value !== undefined && value !== false))
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

function readSource({ part, path }: LocatedPart, password: string | null, maxBytes: number): Source[] {
  if (part.type === 'text') return []
  if (part.type === 'image_url') {
    const param = `${path}.image_url.url`
    const { bytes, mediaType } = decodeInline(part.image_url.url, param, maxBytes)
    return [{ bytes, param, filename: null, declaredMediaType: mediaType, password }]
  }
  if (part.file.file_data === undefined) throw missingFileData(part.file.file_id, path)
  const param = `${path}.file.file_data`
  const { bytes, mediaType } = decodeInline(part.file.file_data, param, maxBytes)
  return [{ bytes, param, filename: part.file.filename ?? null, declaredMediaType: mediaType, password }]
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

/** Checks a value against a schema; throws the first problem as the contract's error, with the path of the field. */
function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  if (issue === undefined) throw new GatewayError('invalid_value', 'The request is not valid.')
  const param = fieldPath(path, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    throw new GatewayError(
      'unknown_option',
      `Unknown option ${JSON.stringify(`${param}.${key}`)}. The options are: ${optionNames(param)}.`,
      { param: `${param}.${key}` },
    )
  }
  throw new GatewayError('invalid_value', `${param === '' ? 'The request body' : param}: ${issue.message}.`, {
    param: param === '' ? undefined : param,
  })
}

function optionNames(param: string): string {
  const shape = param === 'ocr.prepare' ? ocrOptions.shape.prepare.unwrap().shape : ocrOptions.shape
  return Object.keys(shape).join(', ')
}

function fieldPath(base: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, base)
}
