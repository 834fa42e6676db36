import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources'
import type { OcrObject } from '../wire/openai/ocr-object.ts'
import type { Question } from './options.ts'

/** What a document came to. */
export interface Reading {
  readonly content: string
  readonly model: string
  readonly ocr: OcrObject
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

/** A document's bytes, or where they are. */
export type Content =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'url'; readonly url: string }

/** Who is told while a document is read. */
export interface ReadingListener {
  /** How many pages are asked for; null where the gateway does not say. */
  opened(pages: number | null): void
  /** The text of a page begins. */
  page(page: number): void
  text(text: string): void
}

/** Larger files go to the gateway as they are read, and are not held. */
const MAX_INLINE_BYTES = 4 * 1024 * 1024
/** Of what a process leaves that is killed. The least that the gateway takes is an hour. */
const UPLOAD_SECONDS = 24 * 3600
const DELETE_TIMEOUT = 5000

/** Has the gateway read one document, once. Throws what the client throws. */
export async function readDocument(
  client: OpenAI,
  content: Content,
  question: Question,
  listener: ReadingListener,
  signal: AbortSignal,
): Promise<Reading> {
  await using sent = await send(client, content, signal)
  const { model, ocr, serviceTier } = question
  const body = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    service_tier: serviceTier,
    messages: [{ role: 'user', content: [sent.part] }],
    ocr,
  } as ChatCompletionCreateParamsStreaming
  const { data, response } = await client.chat.completions.create(body, { signal }).withResponse()
  const pages = Number(response.headers.get('x-ocr-pages') ?? NaN)
  listener.opened(Number.isNaN(pages) ? null : pages)
  return collect(data, listener)
}

type Chunk = ChatCompletionChunk & { readonly ocr?: OcrObject | { readonly page: number } }

async function collect(stream: AsyncIterable<ChatCompletionChunk>, listener: ReadingListener): Promise<Reading> {
  const texts: string[] = []
  for await (const chunk of stream as AsyncIterable<Chunk>) {
    const { ocr, model, usage } = chunk
    if (ocr !== undefined && 'page' in ocr) listener.page(ocr.page)
    const text = chunk.choices[0]?.delta.content ?? ''
    if (text !== '') {
      texts.push(text)
      listener.text(text)
    }
    if (ocr !== undefined && 'pages' in ocr) {
      const { prompt_tokens = 0, completion_tokens = 0 } = usage ?? {}
      return { content: texts.join(''), model, ocr, usage: { prompt_tokens, completion_tokens } }
    }
  }
  // A proxy may end a body as if it were whole.
  throw Object.assign(new Error('the answer ended before its last event'), { code: 'ECONNRESET' })
}

interface Sent extends AsyncDisposable {
  readonly part: unknown
}

async function send(client: OpenAI, content: Content, signal: AbortSignal): Promise<Sent> {
  if (content.kind === 'url') return inline({ type: 'image_url', image_url: { url: content.url } })
  if (content.kind === 'bytes') return inline(filePart('stdin', content.bytes))
  if (content.bytes > MAX_INLINE_BYTES) return upload(client, content.path, signal)
  return inline(filePart(basename(content.path), await readFile(content.path, { signal })))
}

const inline = (part: unknown): Sent => ({ part, [Symbol.asyncDispose]: async () => {} })

// The bytes tell the type; an ending that lies must not.
function filePart(filename: string, bytes: Uint8Array) {
  const file_data = `data:application/octet-stream;base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`
  return { type: 'file', file: { filename: filename.toWellFormed(), file_data } }
}

async function upload(client: OpenAI, path: string, signal: AbortSignal): Promise<Sent> {
  const file = new File([await openAsBlob(path)], basename(path).toWellFormed())
  const expires_after = { anchor: 'created_at', seconds: UPLOAD_SECONDS } as const
  const { id } = await client.files.create({ file, purpose: 'user_data', expires_after }, { signal })
  return {
    part: { type: 'file', file: { file_id: id } },
    async [Symbol.asyncDispose]() {
      // What cannot be deleted now goes when its time is over.
      await client.files.delete(id, { timeout: DELETE_TIMEOUT, maxRetries: 0 }).catch(() => {})
    },
  }
}
