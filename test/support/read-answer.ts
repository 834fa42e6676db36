import assert from 'node:assert/strict'
import type OpenAI from 'openai'
import type { ChatCompletionContentPart } from 'openai/resources'
import {
  chatChunk,
  chatCompletion,
  type ChatChunk,
  type CompletionUsage,
} from '../../gateway/wire/openai/chat-completion.ts'
import type { OcrObject } from '../../gateway/wire/openai/ocr-object.ts'

/** An answer, however it came. */
export interface Answer {
  readonly content: string
  readonly finishReason: string | null
  readonly ocr: OcrObject
  readonly cacheHeader: string | null
  readonly usage: CompletionUsage
}

/** What to ask. `ocr` goes in as an OpenAI client's extra body. */
export interface Question {
  readonly model?: string
  readonly parts: readonly ChatCompletionContentPart[]
  readonly ocr?: object
  /** Other fields of the body. */
  readonly more?: object
  readonly signal?: AbortSignal
  /** How long the client waits, which it tells the gateway. */
  readonly timeoutMs?: number
}

/** Asks for the whole answer at once. */
export async function askWhole(client: OpenAI, question: Question): Promise<Answer> {
  const { data, response } = await client.chat.completions
    .create({ ...body(question), stream: false }, requestOptions(question))
    .withResponse()
  const { choices, ocr, usage } = chatCompletion.parse(data)
  const [choice] = choices
  return {
    content: choice?.message.content ?? '',
    finishReason: choice?.finish_reason ?? null,
    ocr,
    cacheHeader: response.headers.get('x-cache'),
    usage,
  }
}

/** A streamed answer: the same, and its chunks. */
export interface StreamedAnswer extends Answer {
  readonly chunks: readonly ChatChunk[]
}

/** Asks for a stream and reads it to its end. */
export async function askStream(client: OpenAI, question: Question): Promise<StreamedAnswer> {
  const { data, response } = await client.chat.completions
    .create({ ...body(question), stream: true, stream_options: { include_usage: true } }, requestOptions(question))
    .withResponse()
  const chunks = (await Array.fromAsync(data)).map((chunk) => chatChunk.parse(chunk))
  const { usage } = chunks.at(-1) ?? {}
  assert.ok(usage !== undefined, 'the last chunk has no usage')
  return {
    chunks,
    content: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    finishReason: chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason ?? null,
    ocr: ledgerOf(chunks),
    cacheHeader: response.headers.get('x-cache'),
    usage,
  }
}

/** The ledger of a stream, which is on its last chunk. */
export function ledgerOf(chunks: readonly ChatChunk[]): OcrObject {
  const ocr = chunks.at(-1)?.ocr
  assert.ok(ocr !== undefined && 'pages' in ocr, 'the last chunk has no ledger')
  return ocr
}

/** The number of the page that begins with a chunk; null for one in the middle of a page, and for the ledger's. */
export function beginningPage({ ocr }: ChatChunk): number | null {
  return ocr !== undefined && 'page' in ocr ? ocr.page : null
}

function requestOptions({ signal, timeoutMs }: Question) {
  return { signal, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) }
}

function body({ model = 'default', parts, ocr, more = {} }: Question) {
  return {
    model,
    messages: [{ role: 'user' as const, content: [...parts] }],
    ...(ocr === undefined ? {} : { ocr }),
    ...more,
  }
}
