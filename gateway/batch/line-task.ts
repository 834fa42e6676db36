import { failedLine } from '../answer/batch.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { orAborted } from '../schedule/or-aborted.ts'
import { answerLine, type AnsweringServices, type LineAnswer, type RunLine } from './answer-line.ts'
import { hasEnded, NO_USAGE, type Batch } from './batch.ts'
import type { IndexCache } from './index-cache.ts'
import { findAnswer, keepPatiently } from './kept-answer.ts'
import { finalizeIfDone, type LifeCycleServices } from './life-cycle.ts'
import { isPassing } from './passing.ts'
import { lineName, requestIdOf } from './names.ts'
import { inSpan } from '../telemetry/span.ts'
import type { LineEnd } from './store.ts'

/** What runs lines. */
export interface LineServices extends LifeCycleServices, AnsweringServices {
  readonly pages: AnsweringServices['pages']
  readonly indexes: IndexCache
}

/** What its runner is told of a line. */
export interface LineObserver {
  /** Its length in bytes is known, all of which it holds; for one that is not run, 0. */
  readonly onLength: (bytes: number) => void
  /** Its documents are open: it holds nothing of the line itself. */
  readonly onOpened: () => void
}

/** After so many ends of the process in its midst, a line is thought to be the reason. */
const MAX_ATTEMPTS = 5

/**
 * Runs a line: answers it, keeps the answer, and counts it. A line whose answer was kept before is counted alone. Throws what
 * passes; everything else is the answer.
 */
export async function runLine(
  { id, line, attempts }: { readonly id: string; readonly line: number; readonly attempts: number },
  services: LineServices,
  observer: LineObserver,
  signal: AbortSignal,
): Promise<void> {
  const { store, queue, blobs, pages, metrics } = services
  const batch = await store.find(null, id)
  if (batch === null) return
  // Where it was cancelled, or its time is over, a process may have died before it said so to the queue.
  if (batch.status !== 'in_progress') return queue.push(batch, await store.endedLines(id))
  const name = lineName(id, line)
  const known = await findAnswer(blobs, name)
  const end = known ?? (await ran({ batch, line, attempts }, name, services, observer, signal))
  if (end !== null) {
    const counted = await store.endLines(id, new Map([[line, end]]))
    metrics.batchLines.inc({ outcome: end.outcome })
    if (counted > 0) countUse(batch, end, services)
  }
  await pages?.forget(id, line)
  const now = await store.find(null, id)
  // The files were written without it, and what belonged to the batch was removed before this answer was there.
  if (now === null || hasEnded(now)) return blobs.remove([name])
  await finalizeIfDone(now, services)
}

/** Returns how a line has ended; null: it was refused before it could be run. */
async function ran(
  { batch, line, attempts }: { readonly batch: Batch; readonly line: number; readonly attempts: number },
  name: string,
  services: LineServices,
  { onLength, onOpened }: LineObserver,
  signal: AbortSignal,
): Promise<LineEnd | null> {
  const index = await services.indexes.get(batch)
  const indexed = await index.line(line)
  if (indexed.problem !== null) return null
  onLength(indexed.length)
  const run = { batch, line, indexed, asked: {} as RunLine['asked'] }
  const answer = {
    ...(attempts > MAX_ATTEMPTS ? failedAnswer(run, lost(attempts)) : await answered(run, services, onOpened, signal)),
    model: nameOf(run, batch),
  }
  // Another process may have run it, too: an answer that is kept never changes.
  const others = await findAnswer(services.blobs, name)
  if (others !== null) return others
  const onFull = (error: GatewayError): void => {
    services.log.warn({ batch: batch.id, line, code: error.code }, 'the answer to a line waits for room')
  }
  await keepPatiently(services.blobs, name, answer, onFull, signal)
  return answer
}

/** What is kept of an end has little room. */
const MAX_NAME = 512

/** A line that has ended the process each time was not asked what it wants. */
function nameOf({ asked: { model } }: RunLine, batch: Batch): string | undefined {
  const name = model ?? batch.model ?? ''
  return name === '' || name.length > MAX_NAME ? undefined : name
}

/** Counts a line as the request that it is, once, however often it was run. */
function countUse({ owner: key }: Batch, { model, outcome }: LineEnd, { usage }: LineServices): void {
  if (model !== undefined) usage.add({ key, model }, { requests: 1, requestsFailed: outcome === 'failed' ? 1 : 0 })
}

async function answered(
  run: RunLine,
  services: LineServices,
  onOpened: () => void,
  signal: AbortSignal,
): Promise<LineAnswer> {
  const request_id = requestIdOf(run.batch.id, run.line)
  const names = { 'ocr.request.id': request_id, 'ocr.batch.id': run.batch.id, 'ocr.batch.line': run.line }
  const begun = services.ocr.tracer?.background('batch line', names)
  const answering = inSpan(begun, (span) => answerLine({ ...run, span }, services, onOpened, signal))
  try {
    // What is asked of an engine knows the signal; what is not must not keep a gateway that stops.
    return await orAborted(answering, signal)
  } catch (thrown) {
    signal.throwIfAborted()
    if (isPassing(thrown)) throw thrown
    const error = toGatewayError(thrown, 'The gateway failed. Its log says why, under this request id.')
    services.metrics.errors.inc({ code: error.code })
    if (error.status >= 500) {
      const fields = { batch: run.batch.id, request_id, trace_id: begun?.traceId, code: error.code }
      services.log.error({ ...fields, err: error.cause ?? error }, error.message)
    }
    return failedAnswer(run, error)
  }
}

function failedAnswer({ batch, line, indexed: { customId } }: RunLine, error: GatewayError): LineAnswer {
  const named = { id: requestIdOf(batch.id, line), customId }
  return { outcome: 'failed', usage: NO_USAGE, answer: failedLine(named, error, batch.endpoint === '/v1/ocr') }
}

function lost(attempts: number): GatewayError {
  return new GatewayError(
    'internal_error',
    `The gateway ended ${attempts - 1} times while it ran this request, and does not try again. Send its documents one by one to find the one that is the reason.`,
  )
}
