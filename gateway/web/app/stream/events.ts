import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { LedgerLine, OcrObject } from '../../../wire/openai/ocr-object.ts'
import { ConnectionLost, errorIn, isObject, ProblemError } from './problem.ts'

/** What was done to a page before the model saw it. */
export interface Change {
  readonly code: string
  readonly [detail: string]: unknown
}

/** A page as it was drawn. */
export interface Preview {
  readonly page: number
  /** A data URL. */
  readonly image: string
  /** Of the page image that the model gets, in pixels. */
  readonly width: number
  readonly height: number
  readonly changes: readonly Change[]
  readonly textLayer: string | null
}

/** What a stream says. */
export type ReadEvent =
  | { readonly type: 'pages'; readonly total: number }
  | { readonly type: 'preview'; readonly preview: Preview }
  | { readonly type: 'text'; readonly page: number | null; readonly text: string; readonly line: LedgerLine | null }
  | { readonly type: 'ledger'; readonly ocr: OcrObject }

const END = '[DONE]'

/**
 * Reads the events of a streamed completion while they arrive. Throws what the gateway says went wrong, and
 * `ConnectionLost` when the stream ends before its end, or holds what is none of its events.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ReadEvent, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new ConnectionLost('The connection broke.', { cause: error })
      })
      if (done) throw new ConnectionLost('The answer ended before it was complete.')
      if (value.data === END) return
      yield* eventsIn(value.data)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function* eventsIn(data: string): Generator<ReadEvent> {
  const chunk = parsed(data)
  const problem = errorIn(chunk, null)
  if (problem !== null) throw new ProblemError(problem)
  const ocr = isObject(chunk['ocr']) ? chunk['ocr'] : {}
  const preview = previewIn(ocr)
  if (preview !== null) yield { type: 'preview', preview }
  const text = contentOf(chunk)
  const page = numberIn(ocr, 'page')
  if (text !== '' || page !== null) yield { type: 'text', page, text, line: lineIn(ocr) }
  if (isLedger(ocr)) yield { type: 'ledger', ocr }
}

function parsed(data: string): Record<string, unknown> {
  try {
    const chunk: unknown = JSON.parse(data)
    if (isObject(chunk)) return chunk
  } catch (error) {
    throw new ConnectionLost('The answer was garbled on its way.', { cause: error })
  }
  throw new ConnectionLost('The answer was garbled on its way.')
}

function contentOf({ choices }: Record<string, unknown>): string {
  const [choice]: unknown[] = Array.isArray(choices) ? choices : []
  const delta = isObject(choice) ? choice['delta'] : null
  const content = isObject(delta) ? delta['content'] : null
  return typeof content === 'string' ? content : ''
}

function previewIn(ocr: Record<string, unknown>): Preview | null {
  const found = ocr['preview']
  if (!isObject(found)) return null
  const page = numberIn(found, 'page')
  const { image, changes, text_layer: textLayer } = found
  if (page === null || typeof image !== 'string') return null
  return {
    page,
    image,
    width: numberIn(found, 'width') ?? 1,
    height: numberIn(found, 'height') ?? 1,
    changes: Array.isArray(changes) ? changes.filter(isChange) : [],
    textLayer: typeof textLayer === 'string' ? textLayer : null,
  }
}

function lineIn({ line }: Record<string, unknown>): LedgerLine | null {
  return isObject(line) && typeof line['status'] === 'string' ? (line as LedgerLine) : null
}

function isChange(value: unknown): value is Change {
  return isObject(value) && typeof value['code'] === 'string'
}

function isLedger(ocr: Record<string, unknown>): ocr is OcrObject {
  return isObject(ocr['document']) && Array.isArray(ocr['pages'])
}

function numberIn(object: Record<string, unknown>, name: string): number | null {
  const value = object[name]
  return typeof value === 'number' ? value : null
}
