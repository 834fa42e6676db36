import { refuseLane, type Access } from '../access/access.ts'
import type { Caller } from '../access/caller.ts'
import type { PageAllowance } from '../access/page-allowance.ts'
import type { RateLimits } from '../access/rate-limits.ts'
import { collect, type Reading } from '../answer/collect.ts'
import { lineAnswer, type AnsweredLine } from '../answer/batch.ts'
import { GatewayError } from '../errors.ts'
import type { FileStore } from '../files/file-store.ts'
import { answerEvents, type AnswerEvents } from '../ocr/answer-events.ts'
import { sumUsage } from '../ocr/ledger.ts'
import type { OcrServices } from '../ocr/ocr.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { freeMemory } from '../request/body/free-memory.ts'
import { memberIn } from '../request/body/json-members.ts'
import { parseJson, refuseBeyond, startScan, type ParsedJson } from '../request/body/parse-json.ts'
import type { NamedDocuments, RequestContext, TextChats } from '../request/context.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { ByteBudget, Reservation } from '../schedule/byte-budget.ts'
import type { Span } from '../telemetry/span.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import type { UsageMeter } from '../usage/meter.ts'
import type { BatchAnswer } from '../wire/openai/batch.ts'
import { addUsage, type Batch, type BatchUsage } from './batch.ts'
import { forwardLine } from './forward-line.ts'
import type { IndexedLine } from './line-index.ts'
import { untilOutage, type LinePages, type LinePart } from './line-pages.ts'
import { readQuestion, type LineQuestion, type OcrQuestion, type QuestionServices } from './line-question.ts'
import { requestIdOf } from './names.ts'
import type { LineEnd } from './store.ts'

/** The services and limits with which lines are answered: those of requests over HTTP. */
export interface AnsweringServices extends QuestionServices {
  readonly files: Pick<FileStore, 'find' | 'open'>
  readonly ocr: OcrServices
  readonly allowance: Pick<PageAllowance, 'admitLine' | 'refuseLine'>
  readonly findModel: (
    name: string,
    signal: AbortSignal,
    caller: Caller,
    second?: { readonly param: string },
  ) => Promise<ServedModel>
  readonly findReferee: (main: ServedModel, signal: AbortSignal, caller: Caller) => Promise<ServedModel | null>
  /** Whose a batch is, and what that caller may now. */
  readonly access: Pick<Access, 'owner'>
  readonly limits: Pick<RateLimits, 'request'>
  readonly named: (key: string | null) => NamedDocuments
  readonly textChats: TextChats
  readonly maxDocumentBytes: number
  readonly maxBodyBytes: number
  readonly bodyBudget: ByteBudget
  readonly forward: Upstreams['forward']
  readonly usage: Pick<UsageMeter, 'add'>
  /** Null where the page cache outlives the process. */
  readonly pages: LinePages | null
}

/** What is told of a line while it is answered. */
export interface LineProgress {
  /** Its documents are open: it holds nothing of the line itself. */
  readonly onOpened: () => void
  /** Whether pages of it wait for the next minute of their caller. */
  readonly onWaiting: (isWaiting: boolean) => void
}

/** The answer to a line. */
export interface LineAnswer extends LineEnd {
  readonly answer: BatchAnswer
}

/** A line that is being answered. */
export interface RunLine {
  readonly batch: Batch
  /** Counted from 0. */
  readonly line: number
  readonly indexed: IndexedLine
  /** The model that is asked, once that is known. */
  readonly asked: { model?: string }
  /** Left out: it is not traced. */
  readonly span?: Span | undefined
}

/**
 * Answers a line as its endpoint answers a request, in whole. Says when its documents are open: nothing of the line itself is
 * held any more. Throws what the endpoint throws, and `file_not_found` where the input is gone.
 */
export async function answerLine(
  run: RunLine,
  services: AnsweringServices,
  progress: LineProgress,
  signal: AbortSignal,
): Promise<LineAnswer> {
  const { batch, line, indexed, span } = run
  const { owner } = batch
  const { maxBodyBytes, bodyBudget } = services
  if (indexed.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
  const caller = await services.access.owner(owner)
  refuseLane(caller, 'batch')
  services.allowance.refuseLine(caller)
  const id = requestIdOf(batch.id, line)
  const key = owner === '' ? null : owner
  const reservation = await bodyBudget.reserve(indexed.length, { key, signal: () => signal })
  const opened = (): void => {
    reservation.release()
    progress.onOpened()
  }
  try {
    const context = { ...contextOf(id, caller, services, signal), span }
    const question = await questionOf(run, context, services, reservation)
    run.asked.model = modelOf(question)
    const named = { id, customId: indexed.customId }
    if (question.kind === 'ocr') {
      return await readDocuments(question, run, named, services, { ...progress, onOpened: opened }, signal)
    }
    const { forward, limits } = services
    const counted = await limits.request(caller)
    if (counted?.refusal != null) throw counted.refusal
    progress.onOpened()
    const { status, body, usage } = await forwardLine(question, { id, key: owner, forward, span }, signal)
    const { inputTokens: promptTokens, outputTokens: completionTokens } = usage
    services.usage.add({ key: owner, model: question.model }, { promptTokens, completionTokens })
    const outcome = status < 400 ? 'completed' : 'failed'
    return { outcome, usage, answer: lineAnswer(named, status, body) }
  } finally {
    reservation.release()
  }
}

const modelOf = (question: LineQuestion): string =>
  question.kind === 'ocr' ? question.request.model.id : question.model

function contextOf(
  requestId: string,
  caller: Caller,
  { findModel, findReferee, named, textChats, maxDocumentBytes }: AnsweringServices,
  signal: AbortSignal,
): RequestContext {
  const key = caller.name === '' ? null : caller.name
  return {
    requestId,
    key,
    // Nobody waits.
    patienceSeconds: null,
    maxDocumentBytes,
    textChats,
    named: named(key),
    findModel: (name, second) => findModel(name, signal, caller, second),
    findReferee: (main) => findReferee(main, signal, caller),
  }
}

/** A separate function, so that nothing holds the line, perhaps a hundred megabytes, while its pages are read. */
async function questionOf(
  { batch, indexed }: RunLine,
  context: RequestContext,
  services: AnsweringServices,
  reservation: Reservation,
): Promise<LineQuestion> {
  const bytes = await bytesOf(batch, indexed, services)
  try {
    const body = await parsed(memberIn(bytes, 'body') ?? bytes)
    const question = await readQuestion(batch.endpoint, body, context, services)
    // The body of a request that is passed on may be part of these bytes.
    if (question.kind !== 'ocr') return question
    // Of what came in base64, three quarters are left.
    reservation.resize(Math.ceil((bytes.length * 3) / 4))
    freeMemory(bytes)
    return question
  } catch (error) {
    freeMemory(bytes)
    throw error
  }
}

async function bytesOf(
  { owner, inputFileId }: Batch,
  { offset, length }: IndexedLine,
  { files }: AnsweringServices,
): Promise<Buffer> {
  const { blob } = await files.open(await files.find(owner, inputFileId, 'input_file_id'), 'input_file_id')
  await using opened = blob
  const { buffer, byteOffset, byteLength } = await opened.read(length, offset)
  return Buffer.from(buffer, byteOffset, byteLength)
}

function parsed(bytes: Buffer): Promise<ParsedJson> {
  const scan = startScan()
  refuseBeyond(scan.advance(bytes, bytes.length))
  return parseJson(bytes, scan)
}

async function readDocuments(
  { request, annotation, writer }: OcrQuestion,
  { batch, line }: RunLine,
  named: AnsweredLine,
  services: AnsweringServices,
  { onOpened, onWaiting }: LineProgress,
  signal: AbortSignal,
): Promise<LineAnswer> {
  using admitted = new DisposableStack()
  const allowance = lineAllowance(services.allowance, admitted, onWaiting)
  const read = (asked: OcrRequest, part: LinePart): Promise<Reading> => {
    const finished = untilOutage(services.pages?.of(batch.id, line, part, signal) ?? null)
    const events = answerEvents(asked, { ...services.ocr, allowance, finished }, signal)
    return collect(part === 'read' ? telling(events, onOpened) : events)
  }
  const annotated = annotation === null ? null : { request: annotation, reading: await read(annotation, 'annotation') }
  const reading = await read(request, 'read')
  const usage = annotated === null ? usageOf(reading) : addUsage(usageOf(reading), usageOf(annotated.reading))
  const body = await writer(annotated).whole(reading)
  return { outcome: 'completed', usage, answer: lineAnswer(named, 200, body) }
}

/** Pages that have their permission get it at once; in milliseconds. */
const WAITS_AFTER = 100

/** Asks for the pages of a line, and tells while some of them wait. */
function lineAllowance(
  { admitLine }: Pick<PageAllowance, 'admitLine'>,
  admitted: DisposableStack,
  onWaiting: LineProgress['onWaiting'],
): OcrServices['allowance'] {
  let waiting = 0
  const wait = (change: 1 | -1): void => {
    waiting += change
    onWaiting(waiting > 0)
  }
  return {
    async admit(key, pages) {
      const { perWindow, next } = admitted.use(await admitLine(key, pages))
      return {
        perWindow,
        async next(signal) {
          let isWaiting = false
          const timer = setTimeout(() => wait(((isWaiting = true), 1)), WAITS_AFTER).unref()
          try {
            await next(signal)
          } finally {
            clearTimeout(timer)
            if (isWaiting) wait(-1)
          }
        },
      }
    },
  }
}

async function* telling(events: AnswerEvents, onOpened: () => void): AnswerEvents {
  for await (const together of events) {
    if (together.some(({ type }) => type === 'document-open')) onOpened()
    yield together
  }
}

function usageOf({ ledger }: Reading): BatchUsage {
  const { promptTokens, completionTokens, cachedPromptTokens } = sumUsage(ledger)
  return { inputTokens: promptTokens, cachedTokens: cachedPromptTokens, outputTokens: completionTokens }
}

function tooLarge(maxBodyBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The line is longer than the ${maxBodyBytes} bytes of a request body (GATEWAY_MAX_BODY_BYTES). Name its documents by file_id.`,
  )
}
