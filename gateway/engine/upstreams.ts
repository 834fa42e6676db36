import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { forwardRequest } from './forward.ts'
import type { ForwardRequest, ForwardedResponse } from './forward.ts'
import { joinServedModels } from './served-models.ts'
import { createUpstream } from './upstream.ts'
import type { Upstream, UpstreamLease, UpstreamOptions, UpstreamStatus } from './upstream.ts'

/** What the upstreams are made from. */
export interface UpstreamsOptions extends UpstreamOptions {
  /** OpenAI-compatible base URLs: `http://vllm:8000/v1`. */
  readonly urls: readonly string[]
  /** How often every upstream is asked what it serves; one with a problem at least every five seconds. */
  readonly refreshSeconds: number
}

/** The vLLM servers behind the gateway. */
export interface Upstreams {
  /** Asks every upstream what it serves. Joins a round under way; does nothing within a second of the last. Never throws. */
  refresh(signal: AbortSignal): Promise<void>
  /** Every model that an upstream serves, or served when it was last heard. */
  models(): readonly ServedModel[]
  find(modelId: string): ServedModel | null
  /**
   * Claims the upstream of a model with the least in flight, and one that was not tried before while there is one. Throws
   * `engine_unavailable` when none serves the model.
   */
  acquire(modelId: string, tried?: ReadonlySet<string>): UpstreamLease
  status(): readonly UpstreamStatus[]
  /** Passes a request through untouched; see forwardRequest. */
  forward(request: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse>
  /** Breaks every connection and stops asking. */
  close(): Promise<void>
}

const SECOND = 1000

/** How soon an upstream with a problem is asked again, in milliseconds: a vLLM that starts should not wait for a minute. */
const TROUBLED_REFRESH = 5 * SECOND

/** Creates the upstreams. Nothing is asked before the first `refresh`. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const upstreams = options.urls.map((url) => createUpstream(url, options))
  const closing = new AbortController()
  let round: Promise<void> | null = null
  let lastRound = -Infinity
  let timer: NodeJS.Timeout | undefined
  let turn = 0

  async function askAll(): Promise<void> {
    await Promise.all(upstreams.map((upstream) => upstream.discover(closing.signal)))
    lastRound = performance.now()
    round = null
    const troubled = upstreams.some(({ problem }) => problem() !== null)
    schedule(troubled ? Math.min(TROUBLED_REFRESH, options.refreshSeconds * SECOND) : options.refreshSeconds * SECOND)
  }

  function schedule(milliseconds: number): void {
    clearTimeout(timer)
    if (closing.signal.aborted) return
    timer = setTimeout(() => void startRound(), milliseconds)
    timer.unref()
  }

  function startRound(): Promise<void> {
    if (closing.signal.aborted) return Promise.resolve()
    round ??= askAll()
    return round
  }

  /** A request has met a problem: asks soon, but however many requests fail at once, at most once a second. */
  function refreshSoon(): void {
    if (round === null) schedule(Math.max(0, lastRound + SECOND - performance.now()))
  }

  async function refresh(signal: AbortSignal): Promise<void> {
    if (signal.aborted || (round === null && performance.now() - lastRound < SECOND)) return
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    await Promise.race([startRound(), aborted])
    signal.removeEventListener('abort', onAbort)
  }

  function acquire(modelId: string, tried?: ReadonlySet<string>): UpstreamLease {
    const serving = upstreams.filter((upstream) => upstream.models().some(({ id }) => id === modelId))
    const well = serving.filter(({ problem }) => problem() === null)
    // With none that is known to be well, one that was down a moment ago is worth a try: it answers or refuses at once.
    const able = well.length > 0 ? well : serving
    const untried = able.filter((upstream) => tried?.has(upstream.status().url) !== true)
    const upstream = leastInFlight(untried.length > 0 ? untried : able, turn++)
    if (upstream === null) {
      refreshSoon()
      const message = `No OCR engine serves the model \`${modelId}\` now. See the gateway's /ready, or try again later.`
      throw new GatewayError('engine_unavailable', message)
    }
    return upstream.lease(refreshSoon)
  }

  const models = () => joinServedModels(upstreams.map((upstream) => upstream.models()))
  return {
    refresh,
    models,
    find: (modelId) => models().find(({ id }) => id === modelId) ?? null,
    acquire,
    status: () => upstreams.map((upstream) => upstream.status()),
    forward: (request, signal) => forwardRequest(acquire(request.model), request, signal),
    async close() {
      clearTimeout(timer)
      closing.abort(new GatewayError('draining', 'The gateway is stopping.'))
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}

/** Picks the upstream with the least in flight; equals take turns, so that the first is not always the warm one. */
function leastInFlight(upstreams: readonly Upstream[], turn: number): Upstream | null {
  const least = Math.min(...upstreams.map(({ inFlight }) => inFlight()))
  const equals = upstreams.filter(({ inFlight }) => inFlight() === least)
  return equals[turn % equals.length] ?? null
}
