import { errorCatalogue } from '../../../gateway/errors.ts'
import { dataUrl } from '../documents.ts'

/** Whom to ask, and with which key. */
export interface Asking {
  readonly url: string
  readonly key: string
}

/** A document as a client sends it. */
export interface Sent {
  readonly file: string
  readonly bytes: Uint8Array
}

/** What became of it. */
export interface Asked {
  readonly milliseconds: number
  /** `200`, `200 failed 3/100`, an error's code where it is one that a document may cause; else what was wrong. */
  readonly outcome: string
  /** Whether the answer is one that the contract has for a document. */
  readonly isAnswer: boolean
}

const mediaTypes: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  tif: 'image/tiff',
  bmp: 'image/bmp',
  webp: 'image/webp',
  avif: 'image/avif',
  jp2: 'image/jp2',
  heic: 'image/heic',
}

/** What a document may be refused with; the gateway's own failures are none of them. */
const CAUSED_BY_A_DOCUMENT = [400, 413, 415, 429]

/** Sends a document as one request, and judges the answer. */
export async function askFor({ url, key }: Asking, { file, bytes }: Sent, limitMs: number): Promise<Asked> {
  const mediaType = mediaTypes[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  const part = { type: 'file', file: { filename: file, file_data: dataUrl(bytes, mediaType) } }
  const body = JSON.stringify({ model: 'default', messages: [{ role: 'user', content: [part] }] })
  const startedAt = performance.now()
  const judged = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(limitMs),
  })
    .then(judge)
    .catch((error: unknown) => ({ outcome: `no answer: ${reason(error)}`, isAnswer: false }))
  return { milliseconds: performance.now() - startedAt, ...judged }
}

interface Answer {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[]
  readonly ocr?: { readonly pages?: readonly { readonly status?: string }[] }
  readonly error?: { readonly code?: string; readonly message?: unknown; readonly type?: unknown }
}

async function judge(response: Response): Promise<{ outcome: string; isAnswer: boolean }> {
  const text = await response.text()
  const { choices, ocr, error } = parsed(text)
  if (response.status === 200) {
    const pages = ocr?.pages ?? []
    const failed = pages.filter(({ status }) => status === 'failed').length
    const isAnswer = typeof choices?.[0]?.message?.content === 'string' && pages.length > 0
    return { outcome: failed === 0 ? '200' : `200 failed ${failed}/${pages.length}`, isAnswer }
  }
  const { code = '', message } = error ?? {}
  const isKnown = Object.hasOwn(errorCatalogue, code) && typeof message === 'string'
  const isAnswer = isKnown && CAUSED_BY_A_DOCUMENT.includes(response.status)
  return { outcome: isKnown ? code : `${response.status} ${text.slice(0, 100)}`, isAnswer }
}

function parsed(text: string): Answer {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return {}
  }
}

function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: string } }
  return cause?.code ?? (error instanceof Error ? error.name : String(error))
}
