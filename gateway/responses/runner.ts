import { randomUUID } from 'node:crypto'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { inSpan } from '../telemetry/span.ts'
import type { Changes } from './changes.ts'
import type { ClaimedResponse } from './kept.ts'
import { readInBackground, type ReadingServices } from './read.ts'

/** What reads background responses, one process of several perhaps. */
export interface RunnerServices extends ReadingServices {
  readonly log: Log
  readonly metrics: Metrics
  readonly changes: Changes
  /** Called when a response has ended, or may have. */
  readonly onEnd: () => void
  /** While the gateway drains, nothing more is begun. */
  readonly lifecycle: { readonly draining: boolean }
}

/** Reads the background responses that wait, some at a time. */
export interface Runner {
  /** Looks for what waits. */
  wake(): void
  /** Ends the reading of a response that was cancelled or removed. */
  stop(id: string): void
  /** Puts back what is being read, and waits for that. */
  close(): Promise<void>
}

/** How many a process reads at a time: each takes the memory of its documents. */
const MAX_AT_A_TIME = 8
/** How many of them may be of one key: the next key need not wait for the end of a book. */
const MAX_OF_KEY = 6
/** How long a process that has died keeps others from its responses, in milliseconds. */
const LEASE = 10_000
const RENEW_EVERY = 3000
/** How often a process looks for what others have left, in milliseconds. */
const LOOK_EVERY = 2000
/** After so many ends of the process, with no page read in between, a response is thought to be the reason. */
const MAX_LOSSES = 5
/** How long it is tried to read a response that no engine takes, in milliseconds. */
const MAX_FAILING = 3_600_000
const RETRY_AFTER_SECONDS = 5

/** What says that a response may be read later as it is. */
const PASSING: ReadonlySet<string> = new Set([
  'queue_full',
  'rate_limit_exceeded',
  'engine_unavailable',
  'draining',
  'model_not_found',
])
/** What passes by itself, however long that takes. */
const PATIENT: ReadonlySet<string> = new Set(['queue_full', 'rate_limit_exceeded'])

/** A caller who is not known any more may be so again. */
function passes({ code, retry }: GatewayError): boolean {
  if (code === 'forbidden') return retry
  // A budget of pages begins anew with the month.
  return PASSING.has(code) && (code !== 'rate_limit_exceeded' || retry)
}

interface Run {
  readonly leave: AbortController
  readonly ended: Promise<void>
}

/** Creates the runner of this process. It looks for responses from the start. */
export function createRunner(services: RunnerServices): Runner {
  const { work, log, lifecycle } = services
  const process = randomUUID()
  const running = new Map<string, Run>()
  let isClosed = false
  let isTroubled = false

  const mayBegin = (): boolean => !isClosed && !lifecycle.draining && running.size < MAX_AT_A_TIME

  function fill(): void {
    try {
      while (mayBegin() && work.exists()) {
        const claimed = work.claim(process, Date.now() + LEASE, MAX_OF_KEY)
        isTroubled = false
        if (claimed === null) return
        // One whose lease ended because this process stood still is being read on.
        if (!running.has(claimed.id)) begin(claimed)
      }
    } catch (error) {
      // Told once, not every two seconds.
      if (!isTroubled) log.error({ err: error }, 'background responses cannot be looked for')
      isTroubled = true
    }
  }

  function begin(response: ClaimedResponse): void {
    const leave = new AbortController()
    const ended = read(response, process, services, leave).finally(() => {
      running.delete(response.id)
      fill()
    })
    running.set(response.id, { leave, ended })
  }

  const timer = setInterval(fill, LOOK_EVERY)
  timer.unref()
  const first = setImmediate(fill)
  return {
    wake: fill,
    stop: (id) => running.get(id)?.leave.abort(new DOMException('The response was cancelled.', 'AbortError')),
    async close() {
      isClosed = true
      clearInterval(timer)
      clearImmediate(first)
      for (const { leave } of running.values()) leave.abort(new DOMException('The gateway stops.', 'AbortError'))
      await Promise.all(Array.from(running.values(), ({ ended }) => ended))
    },
  }
}

/** Reads a response, and keeps its lease meanwhile. Never throws. */
async function read(
  response: ClaimedResponse,
  process: string,
  services: RunnerServices,
  leave: AbortController,
): Promise<void> {
  const { changes } = services
  const { id } = response
  const startedAt = performance.now()
  let hasPieces = false
  const onPiece = (): void => {
    hasPieces = true
    changes.tell(id)
  }
  const names = { 'ocr.request.id': response.question.requestId, 'ocr.response.id': id }
  const begun = services.ocr.tracer?.background('background response', names)
  const lease = setInterval(() => void renew(response, process, services, leave), RENEW_EVERY)
  const log = begun === undefined ? services.log : services.log.child({ trace_id: begun.traceId })
  changes.tell(id)
  try {
    if (response.losses > MAX_LOSSES) throw lost(response.losses)
    const waitsForEngine = isPatient(response.failingSince)
    await inSpan(begun, (span) =>
      readInBackground(response, process, services, { onPiece, waitsForEngine, span }, leave.signal),
    )
    logEnd(response, null, startedAt, log)
  } catch (thrown) {
    try {
      const failed = { ...response, failingSince: hasPieces ? null : response.failingSince }
      const error = await fail(failed, process, thrown, services, leave.signal)
      if (error !== null) logEnd(response, error, startedAt, log)
    } catch (error) {
      // Its lease ends, and it is begun again.
      log.error({ response: id, err: error }, 'the end of a background response was not kept')
    }
  } finally {
    clearInterval(lease)
    changes.tell(id)
    services.onEnd()
  }
}

/** Renews a lease; what another process reads now, or was cancelled there, is left. */
async function renew(
  { id }: ClaimedResponse,
  process: string,
  { work, log }: RunnerServices,
  leave: AbortController,
): Promise<void> {
  try {
    if (await work.renew(id, process, Date.now() + LEASE)) return
    leave.abort(new DOMException('The response is not this process’s to read any more.', 'AbortError'))
  } catch (error) {
    log.warn({ response: id, err: error }, 'the lease of a background response was not renewed')
  }
}

/** Puts a response back that was left, or that no engine takes now; keeps, and returns, the error of any other. */
async function fail(
  response: ClaimedResponse,
  process: string,
  thrown: unknown,
  { work, log, metrics }: RunnerServices,
  signal: AbortSignal,
): Promise<GatewayError | null> {
  const { id, failingSince } = response
  // What was cancelled, or removed, in another process fails in many ways.
  if (signal.aborted || !(await work.renew(id, process, Date.now() + LEASE))) {
    await work.putBack(id, process, 0, failingSince)
    return null
  }
  const error = toGatewayError(thrown, 'The gateway failed. Its log says why, under the id of the response.')
  const now = Date.now()
  const isPatience = PATIENT.has(error.code)
  if (passes(error) && (isPatience || isPatient(failingSince))) {
    await work.forgetFailures(id)
    const seconds = Math.max(RETRY_AFTER_SECONDS, error.retryAfterSeconds ?? 0)
    log.info({ response: id, code: error.code, seconds }, 'a background response waits')
    await work.putBack(id, process, now + seconds * 1000, isPatience ? failingSince : (failingSince ?? now))
    return null
  }
  metrics.errors.inc({ code: error.code })
  await work.fail(id, process, { code: error.code, message: error.message, param: error.param })
  return error
}

/** Tells whether a response that could not be read since then is tried again. */
function isPatient(failingSince: number | null): boolean {
  return failingSince === null || Date.now() - failingSince < MAX_FAILING
}

function lost(losses: number): GatewayError {
  return new GatewayError(
    'internal_error',
    `The gateway ended ${losses - 1} times while it read this response, and does not try again. Send its documents one by one to find the one that is the reason.`,
  )
}

function logEnd(
  { id, owner, question }: ClaimedResponse,
  error: GatewayError | null,
  startedAt: number,
  log: Log,
): void {
  const fields = {
    response: id,
    request_id: question.requestId,
    ...(owner === '' ? {} : { key: owner }),
    model: question.model,
    documents: question.documents.length,
    seconds: Number(((performance.now() - startedAt) / 1000).toFixed(3)),
    ...(error === null ? {} : { code: error.code, err: error.status >= 500 ? (error.cause ?? error) : undefined }),
  }
  log[error === null ? 'info' : 'warn'](fields, 'background response')
}
