import type { Upstreams } from '../../upstream/upstreams.ts'
import type { ModelList } from '../../upstream/model-list.ts'
import { dryRun } from '../../ocr/dry-run.ts'
import { cacheOutcome, countPages, finishReason, sumUsage, type Ledger } from '../../ocr/ledger.ts'
import { ocr, type OcrServices } from '../../ocr/ocr.ts'
import type { DocumentOpen } from '../../ocr/page-event.ts'
import { stitch, type StitchEvent, type TextPiece } from '../../ocr/stitch.ts'
import {
  chatChunk,
  chatCompletion,
  completionHead,
  usageChunk,
  type CompletionHead,
  type CompletionUsage,
} from '../../wire/openai/chat-completion.ts'
import { ocrExtension } from '../../wire/openai/ocr-extension.ts'
import type { OcrRequest } from '../../request/ocr-request.ts'
import { parseChat, type ChatAnswer, type ParsedChat } from '../../request/parse.ts'
import type { GatewayContext } from '../context.ts'
import { asGatewayError, reportError, toErrorBody } from '../error-response.ts'
import { eventStream, KEEP_ALIVE_MILLISECONDS } from '../event-stream.ts'
import { passThrough } from '../pass-through.ts'
import { readJson, type JsonBody } from '../read-json.ts'

/** What chat completions need. */
export interface ChatServices {
  readonly models: ModelList
  readonly upstreams: Upstreams
  readonly ocr: OcrServices
  readonly maxBodyBytes: number
  readonly maxDocumentBytes: number
}

/** `POST /v1/chat/completions`: documents in, Markdown out; conversations go on to their upstream. */
export function chatCompletions(services: ChatServices) {
  return async function chatCompletions(c: GatewayContext): Promise<Response> {
    const chat = await readChat(c, services)
    if (chat.kind === 'ocr') return answerOcr(c, services.ocr, chat.request, chat.answer)
    return passThrough(c, services.upstreams, '/chat/completions', chat.model, chat.body)
  }
}

type ReadChat =
  Extract<ParsedChat, { kind: 'ocr' }> | (Extract<ParsedChat, { kind: 'pass-through' }> & { readonly body: JsonBody })

/** A function of its own, so that nothing holds the body, hundreds of megabytes perhaps, while its pages are read. */
async function readChat(
  c: GatewayContext,
  { models, maxBodyBytes, maxDocumentBytes }: ChatServices,
): Promise<ReadChat> {
  const body = await readJson(c, maxBodyBytes)
  const parsed = await parseChat(body, {
    requestId: c.get('requestId'),
    key: c.get('record').key,
    patienceSeconds: patienceOf(c),
    maxDocumentBytes,
    findModel: (name) => models.find(name, c.req.raw.signal),
  })
  return parsed.kind === 'ocr' ? parsed : { ...parsed, body }
}

/** How long the official clients say they wait, in seconds; Python's calls it a read time-out. */
function patienceOf(c: GatewayContext): number | null {
  const seconds = Number(c.req.header('x-stainless-timeout') ?? c.req.header('x-stainless-read-timeout') ?? '')
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}

async function answerOcr(
  c: GatewayContext,
  services: OcrServices,
  request: OcrRequest,
  answer: ChatAnswer,
): Promise<Response> {
  const record = c.get('record')
  record.model = request.model.id
  record.stream = answer.stream
  record.documents = request.sources.length
  const leave = new AbortController()
  const signal = AbortSignal.any([c.req.raw.signal, leave.signal])
  const events = request.dryRun ? dryRun(request, services, signal) : stitch(ocr(request, services, signal), request)
  if (answer.stream) return streamed(c, request, answer, events, leave, services)
  return collected(c, request, events)
}

/** Collects the same events that a stream forwards. */
async function collected(
  c: GatewayContext,
  request: OcrRequest,
  events: AsyncIterable<StitchEvent>,
): Promise<Response> {
  let content = ''
  for await (const event of events) {
    if (event.type === 'text') content += event.text
    if (event.type !== 'end') continue
    const { ledger } = event
    recordPages(c, ledger)
    const { pages, cachedPages } = countPages(ledger)
    c.header('x-cache', cacheOutcome(cachedPages, pages))
    const head = completionHead(request.model.id)
    return c.json(chatCompletion(head, content, finishReason(ledger), usage(ledger), extension(ledger, request)))
  }
  throw new Error('The pipeline ended without a ledger.')
}

async function streamed(
  c: GatewayContext,
  request: OcrRequest,
  answer: ChatAnswer,
  events: AsyncGenerator<StitchEvent, void, undefined>,
  leave: AbortController,
  { metrics }: OcrServices,
): Promise<Response> {
  const { opened, first } = await primed(events)
  const record = c.get('record')
  record.streaming = true
  record.pages = opened.pages
  record.cachedPages = opened.cachedPages
  const chunks = writeChunks(request, answer, first, events, (ledger) => recordPages(c, ledger))
  return eventStream(chunks, {
    headers: { 'x-request-id': c.get('requestId'), 'x-cache': cacheOutcome(opened.cachedPages, opened.pages) },
    leave,
    onError(thrown) {
      const error = asGatewayError(thrown, c.req.raw.signal)
      reportError(c, error, metrics)
      return toErrorBody(error)
    },
    onEnd: (left) => record.end(left ? 499 : 200),
  })
}

interface Primed {
  readonly opened: DocumentOpen
  readonly first: Promise<StitchEvent>
}

/**
 * Waits for the first page, but not for longer than a proxy would: until then a failure can still be an honest status,
 * afterwards it is an event.
 */
async function primed(events: AsyncIterator<StitchEvent>): Promise<Primed> {
  const opened = await nextOf(events)
  if (opened.type !== 'document-open') throw new Error('The pipeline began without its documents.')
  const first = nextOf(events)
  // A client may leave before anyone has come to await it.
  first.catch(() => {})
  const { promise: waitedLong, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, KEEP_ALIVE_MILLISECONDS)
  await Promise.race([first, waitedLong]).finally(() => clearTimeout(timer))
  return { opened, first }
}

async function nextOf(events: AsyncIterator<StitchEvent>): Promise<StitchEvent> {
  const next = await events.next()
  if (next.done === true) throw new Error('The pipeline ended before its last event.')
  return next.value
}

async function* writeChunks(
  request: OcrRequest,
  answer: ChatAnswer,
  first: Promise<StitchEvent>,
  rest: AsyncIterable<StitchEvent>,
  onLedger: (ledger: Ledger) => void,
): AsyncGenerator<object, void, undefined> {
  const head = completionHead(request.model.id)
  yield chatChunk(head, { role: 'assistant', content: '' }, null)
  for await (const event of chain(first, rest)) {
    if (event.type === 'text') yield textChunk(head, event)
    if (event.type !== 'end') continue
    onLedger(event.ledger)
    yield* lastChunks(head, event.ledger, request, answer)
  }
}

async function* chain<T>(first: Promise<T>, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield await first
  yield* rest
}

function textChunk(head: CompletionHead, { text, page }: TextPiece): object {
  return chatChunk(head, { content: text }, null, page === null ? {} : { ocr: { page } })
}

function* lastChunks(head: CompletionHead, ledger: Ledger, request: OcrRequest, answer: ChatAnswer): Generator<object> {
  const ocrObject = extension(ledger, request)
  yield chatChunk(head, {}, finishReason(ledger), answer.includeUsage ? {} : ocrObject)
  if (answer.includeUsage) yield usageChunk(head, usage(ledger), ocrObject)
}

function extension(ledger: Ledger, { model, task }: OcrRequest): object {
  return ocrExtension(ledger, model.id, task)
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

function recordPages(c: GatewayContext, ledger: Ledger): void {
  Object.assign(c.get('record'), countPages(ledger))
}
