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

/** Has the gateway read one document, once, which `sending` has sent. Throws what the client throws. */
export async function readDocument(
  client: OpenAI,
  sending: Sending,
  question: Question,
  listener: ReadingListener,
  signal: AbortSignal,
): Promise<Reading> {
  const part = await sending.part(signal)
  const { model, ocr, serviceTier } = question
  const body = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    service_tier: serviceTier,
    messages: [{ role: 'user', content: [part] }],
    ocr,
  } as ChatCompletionCreateParamsStreaming
  const { data, response } = await client.chat.completions
    .create(body, { signal })
    .withResponse()
    .catch((error: unknown) => {
      // The gateway, or its successor, does not know what was sent before.
      if (Object(error).code === 'file_not_found') sending.forget()
      throw error
    })
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

/** A document on its way to the gateway: a large one is sent once, however often it is asked for. */
export interface Sending extends AsyncDisposable {
  /** Returns the part of a message that stands for the document. */
  part(signal: AbortSignal): Promise<unknown>
  /** Lets the document be sent again. */
  forget(): void
}

/** Begins to send a document, when its part is asked for. Disposing deletes what was sent. */
export function createSending(client: OpenAI, content: Content): Sending {
  let uploaded: string | null = null
  return {
    async part(signal) {
      if (content.kind === 'url') return { type: 'image_url', image_url: { url: content.url } }
      if (content.kind === 'bytes') return filePart('stdin', content.bytes)
      const { path, bytes } = content
      // Not held: many documents may wait for a gateway that is busy.
      if (bytes <= MAX_INLINE_BYTES) return filePart(basename(path), await readFile(path, { signal }))
      uploaded ??= await upload(client, path, signal)
      return { type: 'file', file: { file_id: uploaded } }
    },
    forget: () => void (uploaded = null),
    async [Symbol.asyncDispose]() {
      // What cannot be deleted now goes when its time is over.
      if (uploaded !== null)
        await client.files.delete(uploaded, { timeout: DELETE_TIMEOUT, maxRetries: 0 }).catch(() => {})
    },
  }
}

// The bytes tell the type; an ending that lies must not.
function filePart(filename: string, bytes: Uint8Array) {
  const file_data = `data:application/octet-stream;base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`
  return { type: 'file', file: { filename: filename.toWellFormed(), file_data } }
}

async function upload(client: OpenAI, path: string, signal: AbortSignal): Promise<string> {
  const file = new File([await openAsBlob(path)], basename(path).toWellFormed())
  const expires_after = { anchor: 'created_at', seconds: UPLOAD_SECONDS } as const
  const { id } = await client.files.create({ file, purpose: 'user_data', expires_after }, { signal })
  return id
}
