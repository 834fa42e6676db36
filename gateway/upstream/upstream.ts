import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { createAdaptiveLimit } from './adaptive-limit.ts'
import { createBreaker } from './breaker.ts'
import type { BreakerState } from './breaker.ts'
import { discover, SilentServer } from './discovery.ts'
import type { ChooseProfile } from './served-models.ts'
import { connectUpstream } from './connection.ts'
import type { ConnectionOptions, UpstreamRequest, UpstreamResponse } from './connection.ts'

/** Says one thing about an upstream to whoever keeps the log. */
export type UpstreamLog = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What one upstream is made with, beside its address. */
export interface UpstreamOptions extends ConnectionOptions {
  readonly chooseProfile: ChooseProfile
  /** Pages in flight, as an operator wants it; null: found out. */
  readonly concurrency: number | null
  readonly onLog?: UpstreamLog
}

/** What `/ready` and the metrics say of one upstream. */
export interface UpstreamStatus {
  readonly url: string
  /** Null when it answers. */
  readonly problem: string | null
  /** What an operator should know, though it answers. */
  readonly warnings: readonly string[]
  /** Served-model names, the last that were heard. */
  readonly models: readonly string[]
  readonly breaker: BreakerState
  /** Pages and forwarded requests. */
  readonly inFlight: number
  /** Most pages in flight. */
  readonly limit: number
}

/** One request's claim on an upstream: it counts as in flight until it is released, by hand or by `using`. */
export interface UpstreamLease extends Disposable {
  readonly url: string
  /** Fires when the upstream is found gone, dead or asleep: what it has not begun to answer, it may never. */
  readonly lost: AbortSignal
  /** Sends over the upstream's own connections; see UpstreamConnection. A failure tells the others to go elsewhere. */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  /** Says that something of the answer has come. */
  heard(): void
  /**
   * Says how it went, for the breaker and the limit; `refused` is an answer that took no reading. A request that was left
   * is never said to have ended.
   */
  ended(outcome: 'answered' | 'refused' | 'failed'): void
  /** May be called twice. */
  release(): void
}

/** One vLLM server: what it serves, whether it is well, and how much it has to do. */
export interface Upstream {
  readonly url: string
  /** What it serves, or served when it was last heard. */
  readonly models: () => readonly ServedModel[]
  /** Whether it answers, as far as is known. */
  readonly isWell: () => boolean
  /** Whether it should be asked: it is well, and does not fail at most pages. */
  readonly isAvailable: () => boolean
  /** Pages that it can be sent now; one at a time while it is on trial. */
  readonly room: () => number
  readonly limit: () => number
  /** Pages at it now. */
  readonly pages: () => number
  /** When so many pages more would be answered, those at it included, in seconds; as `wait`. */
  readonly waitFor: (more: number) => number
  /** When another page would be answered, in seconds, as far as is known. */
  readonly wait: () => number
  status(): UpstreamStatus
  /** Asks what it serves and how it is. Never throws. */
  discover(signal: AbortSignal): Promise<void>
  /** Counts one request more as in flight; only pages count against the limit. */
  lease(kind: 'page' | 'forwarded'): UpstreamLease
  close(): Promise<void>
}

/** What an upstream tells those who watch it. */
export interface UpstreamEvents {
  /** There may be room, or none any more. */
  readonly onChange: () => void
  /** It should be looked at again. */
  readonly onTrouble: () => void
}

/** Pages per second of a server that has not answered any yet: many, so that it gets some and shows. */
const UNKNOWN_RATE = 100

/** A server that says something at least so often is busy, not hung, though it does not answer `/health` in time. */
const BUSY_MILLISECONDS = 10_000

/** Creates one upstream, not yet asked. */
export function createUpstream(baseUrl: string, options: UpstreamOptions, events: UpstreamEvents): Upstream {
  const connection = connectUpstream(baseUrl, options)
  const { url } = connection
  let models: readonly ServedModel[] = []
  let problem: string | null = 'it has not been asked yet'
  let warnings: readonly string[] = []
  let pages = 0
  let forwarded = 0
  let lastHeard = -Infinity
  let lost = new AbortController()
  const limit = createAdaptiveLimit({ pinned: options.concurrency, onChange: events.onChange })
  const breaker = createBreaker({
    onChange(state) {
      const [level, message] = breakerNews[state]
      options.onLog?.(level, message, { url })
      if (state === 'open') events.onTrouble()
      events.onChange()
    },
  })

  function setProblem(next: string | null): void {
    if (next === problem) return
    const fields = { url, models: models.map(({ id }) => id) }
    if (next === null) {
      options.onLog?.('info', 'upstream is well', fields)
      // What it was before it was gone says nothing about what is there now.
      breaker.reset()
    } else options.onLog?.('warn', `upstream has a problem: ${next}`, fields)
    const wasWell = problem === null
    problem = next
    if (wasWell) {
      const gone = lost
      lost = new AbortController()
      gone.abort(lostUpstream(url, next))
    }
    events.onChange()
  }

  function setWarnings(next: readonly string[]): void {
    for (const warning of next) if (!warnings.includes(warning)) options.onLog?.('warn', warning, { url })
    warnings = next
  }

  async function discoverOnce(signal: AbortSignal): Promise<void> {
    try {
      const found = await discover(connection, options.chooseProfile, signal)
      ;({ models } = found)
      setWarnings(versionWarnings(found.models, found.version))
      setProblem(found.problem)
    } catch (error) {
      const isBusy = error instanceof SilentServer && performance.now() - lastHeard < BUSY_MILLISECONDS
      if (!signal.aborted && !isBusy) setProblem(describe(error))
    }
    events.onChange()
  }

  function lease(kind: 'page' | 'forwarded'): UpstreamLease {
    let held = true
    if (kind === 'page') pages += 1
    else forwarded += 1
    const sent = kind === 'page' ? limit.sent(pages) : null
    const trial = breaker.sent()
    const release = () => {
      if (!held) return
      held = false
      if (kind === 'page') pages -= 1
      else forwarded -= 1
      events.onChange()
    }
    return {
      url,
      lost: lost.signal,
      async send(request, signal) {
        try {
          const response = await connection.send(request, signal)
          // 404: another model is served now. 503: the engine is dead, starting, or full.
          if (response.status === 404 || response.status === 503) events.onTrouble()
          return response
        } catch (error) {
          if (error instanceof GatewayError && error.code === 'engine_unavailable') {
            // A connection that broke may have been one of many; one that was not accepted says that the server is gone.
            if (error.kind === 'no_connection') setProblem(describe(error))
            events.onTrouble()
          }
          throw error
        }
      },
      heard() {
        lastHeard = performance.now()
      },
      ended(outcome) {
        if (!held) return
        if (outcome === 'failed') trial.failed()
        else trial.succeeded()
        if (outcome === 'answered') sent?.answered()
      },
      release,
      [Symbol.dispose]: release,
    }
  }

  const room = () => {
    if (problem !== null) return 0
    return (breaker.state() === 'closed' ? limit.current : 1) - pages
  }
  const waitFor = (more: number) =>
    Math.max(limit.fastest() ?? 0, (pages + forwarded + more) / (limit.rate() ?? UNKNOWN_RATE))
  return {
    url,
    models: () => models,
    isWell: () => problem === null,
    isAvailable: () => problem === null && breaker.state() !== 'open',
    room,
    limit: () => limit.current,
    pages: () => pages,
    waitFor,
    wait: () => waitFor(1),
    status: () => ({
      url,
      problem,
      warnings,
      models: models.map(({ id }) => id),
      breaker: breaker.state(),
      inFlight: pages + forwarded,
      limit: limit.current,
    }),
    discover: discoverOnce,
    lease,
    close: () => connection.close(),
  }
}

const breakerNews = {
  open: ['warn', 'upstream fails at most pages and is left alone for a while'],
  'half-open': ['info', 'upstream is tried with one page'],
  closed: ['info', 'upstream answers again'],
} as const satisfies Record<BreakerState, readonly ['info' | 'warn', string]>

function lostUpstream(url: string, problem: string | null): GatewayError {
  const message = 'The OCR engine went away before it had begun with this page. Try again in a few seconds.'
  return new GatewayError('engine_unavailable', message, { cause: new Error(`${url}: ${problem}`) })
}

function versionWarnings(models: readonly ServedModel[], version: string | null): string[] {
  if (version === null) return []
  return models.flatMap(({ id, profile }) => {
    const known = profile?.knownProblems?.find(({ versions }) => versions.test(version))
    return known === undefined ? [] : [`vLLM ${version} serves ${id} badly: ${known.problem}`]
  })
}

function describe(error: unknown): string {
  // A GatewayError's message speaks to callers of the gateway; what its operator needs is in the cause.
  const told = error instanceof GatewayError && error.cause instanceof Error ? error.cause : error
  return told instanceof Error ? told.message : String(told)
}
