import type OpenAI from 'openai'
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionContentPart } from 'openai/resources'

/** One page of the ledger, as clients read it. */
export interface LedgerPage {
  readonly page: number
  readonly status: string
  readonly cache: string
  readonly attempts: number
  readonly engine: string
  readonly model: string
  readonly finish_reason: string | null
  readonly width: number | null
  readonly height: number | null
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly start: number
  readonly end: number
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
  readonly reasons?: readonly string[]
  readonly confidence?: { readonly mean: number; readonly lowest: number }
  readonly agreement?: number
  readonly document?: number
  readonly document_page?: number
  readonly error?: { readonly code: string; readonly message: string }
}

/** What a dry run found, as clients read it. */
export interface DryRunObject {
  readonly pages: number
  readonly cached_pages: number
  readonly blank_pages: readonly number[]
  readonly repeated_pages: readonly { readonly page: number; readonly same_as: number }[]
  readonly unreadable_pages: readonly { readonly page: number; readonly code: string }[]
  readonly pending_pages: readonly number[]
  readonly pages_to_read: number
  readonly expected: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly seconds: number | null
    readonly measured_pages: number
  }
}

/** The `ocr` object of a response, as clients read it. */
export interface OcrObject {
  readonly document: { readonly sha256: string; readonly media_type: string; readonly pages: number }
  readonly documents?: readonly OcrObject['document'][]
  readonly pages: readonly LedgerPage[]
  readonly dry_run?: DryRunObject
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
}

/** An answer, however it came. */
export interface Answer {
  readonly content: string
  readonly finishReason: string | null
  readonly ocr: OcrObject
  readonly cacheHeader: string | null
  readonly usage: ChatCompletion['usage']
}

/** What to ask. `ocr` goes in as an OpenAI client's extra body. */
export interface Question {
  readonly model?: string
  readonly parts: readonly ChatCompletionContentPart[]
  readonly ocr?: object
  readonly signal?: AbortSignal
  /** How long the client waits, which it tells the gateway. */
  readonly timeoutMs?: number
}

/** Asks for the whole answer at once. */
export async function askWhole(client: OpenAI, question: Question): Promise<Answer> {
  const { data, response } = await client.chat.completions
    .create({ ...body(question), stream: false }, requestOptions(question))
    .withResponse()
  const [choice] = data.choices
  return {
    content: choice?.message.content ?? '',
    finishReason: choice?.finish_reason ?? null,
    ocr: (data as unknown as { ocr: OcrObject }).ocr,
    cacheHeader: response.headers.get('x-cache'),
    usage: data.usage,
  }
}

/** A streamed answer: the same, and its chunks. */
export interface StreamedAnswer extends Answer {
  readonly chunks: readonly (ChatCompletionChunk & { readonly ocr?: OcrObject & { readonly page?: number } })[]
}

/** Asks for a stream and reads it to its end. */
export async function askStream(client: OpenAI, question: Question): Promise<StreamedAnswer> {
  const { data, response } = await client.chat.completions
    .create({ ...body(question), stream: true, stream_options: { include_usage: true } }, requestOptions(question))
    .withResponse()
  const chunks: StreamedAnswer['chunks'][number][] = []
  for await (const chunk of data) chunks.push(chunk)
  return {
    chunks,
    content: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
    finishReason: chunks.findLast((chunk) => chunk.choices[0]?.finish_reason)?.choices[0]?.finish_reason ?? null,
    ocr: chunks.at(-1)?.ocr as OcrObject,
    cacheHeader: response.headers.get('x-cache'),
    usage: chunks.at(-1)?.usage ?? undefined,
  }
}

function requestOptions({ signal, timeoutMs }: Question) {
  return { signal, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) }
}

function body({ model = 'default', parts, ocr }: Question) {
  return {
    model,
    messages: [{ role: 'user' as const, content: [...parts] }],
    ...(ocr === undefined ? {} : { ocr }),
  }
}
