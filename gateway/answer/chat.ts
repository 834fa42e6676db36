import { finishReason, sumUsage, type Ledger } from '../ocr/ledger.ts'
import type { PagePreviewed } from '../ocr/page-event.ts'
import type { StitchEvent, TextPiece } from '../ocr/stitch.ts'
import type { ChatAnswer } from '../request/chat.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import {
  STREAM_END,
  type ChatChunk,
  type ChatCompletion,
  type CompletionUsage,
} from '../wire/openai/chat-completion.ts'
import type { LedgerLine } from '../wire/openai/ocr-object.ts'
import type { Reading } from './collect.ts'
import { errorBody } from './error.ts'
import { ledgerLines, ocrObject } from './ocr-object.ts'
import { previewObject } from './preview.ts'
import type { AnswerWriter, StreamEvents } from './writer.ts'

/** Creates the writer of a chat completion: one object, or chunks. */
export function chatWriter(request: OcrRequest, { stream, includeUsage }: ChatAnswer): AnswerWriter {
  const head = completionHead(request)
  return {
    stream,
    whole: (reading) => chatCompletion(reading, request, head),
    events: (events) => chatEvents(events, request, head, includeUsage),
    keepAlive: () => ({ data: chunk(head, { content: '' }) }),
    errorEvent: (error) => ({ data: errorBody(error) }),
    streamEnd: STREAM_END,
  }
}

/** Builds the whole completion. */
function chatCompletion({ content, ledger, previews = [] }: Reading, request: OcrRequest, head: Head): ChatCompletion {
  const { id, created, model } = head
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: finishReason(ledger),
      },
    ],
    usage: usage(ledger),
    ocr: {
      ...ocrObject(ledger, request),
      ...(request.preview === true ? { previews: previews.map(previewObject) } : {}),
    },
  }
}

/** Builds the chunks of a streamed completion from the pipeline's events. */
async function* chatEvents(
  events: AsyncIterable<readonly StitchEvent[]>,
  request: OcrRequest,
  head: Head,
  includeUsage: boolean,
): StreamEvents {
  yield [{ data: chunk(head, { role: 'assistant', content: '' }) }]
  const textChunk = createTextChunks(head)
  const chunksOf = (event: StitchEvent): (ChatChunk | string)[] => {
    if (event.type === 'text') return [textChunk(event, lineOf(event, request))]
    if (event.type === 'page-preview') return [previewChunk(head, event)]
    return event.type === 'end' ? lastChunks(head, event.ledger, request, includeUsage) : []
  }
  for await (const together of events) yield together.flatMap(chunksOf).map((data) => ({ data }))
}

type Head = Pick<ChatCompletion, 'id' | 'created' | 'model'>

function completionHead({ model }: OcrRequest): Head {
  const id = `chatcmpl-${crypto.randomUUID().replaceAll('-', '')}`
  return { id, created: Math.floor(Date.now() / 1000), model: model.id }
}

/** Who sees pages while they are read sees what became of each, too. */
function lineOf({ ended }: TextPiece, request: OcrRequest): LedgerLine | undefined {
  return request.preview === true && ended !== undefined ? ledgerLines(ended, request)[0] : undefined
}

/** Stands in no other place of a chunk. */
const TEXT = '\0'

/** Creates what writes the chunks of pieces of text as JSON. They differ in the text and its page alone: the rest is written once. */
function createTextChunks(head: Head): (piece: TextPiece, line: LedgerLine | undefined) => string {
  const json = JSON.stringify(chunk(head, { content: TEXT }))
  const mark = JSON.stringify(TEXT)
  const at = json.lastIndexOf(mark)
  const [before, after] = [json.slice(0, at), json.slice(at + mark.length)]
  return ({ text, page }, line) => {
    const written = `${before}${JSON.stringify(text)}${after}`
    return page === null ? written : `${written.slice(0, -1)},"ocr":${JSON.stringify({ page, line })}}`
  }
}

/** Without a choice, as the chunk of usage is: clients take text and ends from choices alone. */
function previewChunk(head: Head, event: PagePreviewed): ChatChunk {
  return { ...chunkHead(head), choices: [], ocr: { preview: previewObject(event) } }
}

/** Builds the chunk that ends the choice, and the usage chunk if it is wanted; the last of them holds the ledger. */
function lastChunks(head: Head, ledger: Ledger, request: OcrRequest, includeUsage: boolean): ChatChunk[] {
  const ocr = ocrObject(ledger, request)
  const end = chunk(head, {}, finishReason(ledger))
  return includeUsage ? [end, { ...chunkHead(head), choices: [], usage: usage(ledger), ocr }] : [{ ...end, ocr }]
}

type Choice = ChatChunk['choices'][number]

function chunk(head: Head, delta: Choice['delta'], reason: Choice['finish_reason'] = null): ChatChunk {
  return { ...chunkHead(head), choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] }
}

function chunkHead({ id, created, model }: Head): Pick<ChatChunk, keyof Head | 'object'> {
  return { id, object: 'chat.completion.chunk', created, model }
}

function usage(ledger: Ledger): CompletionUsage {
  const { promptTokens, completionTokens, cachedPromptTokens } = sumUsage(ledger)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedPromptTokens },
  }
}
