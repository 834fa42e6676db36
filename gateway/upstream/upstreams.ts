import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { EngineOutage } from './outage.ts'
import { forwardRequest } from './forward.ts'
import type { ForwardRequest, ForwardedResponse } from './forward.ts'
import { joinServedModels } from './served-models.ts'
import { createUpstream } from './upstream.ts'
import type { UpstreamLease, UpstreamOptions, UpstreamStatus } from './upstream.ts'
import { createUpstreamQueue, soonest } from './queue.ts'
import type { UpstreamClaim } from './queue.ts'

/** What the upstreams are made from. */
export interface UpstreamsOptions extends UpstreamOptions {
  /** OpenAI-compatible base URLs: `http://vllm:8000/v1`. */
  readonly urls: readonly string[]
  /** How often every upstream is asked what it serves; one with a problem at least every five seconds. */
  readonly refreshSeconds: number
  /** How long a page waits for an upstream that may come back. */
  readonly patienceSeconds: number
  /** Pages of one request at the upstreams; see UpstreamQueueOptions. */
  readonly maxPerRequest?: number
  /** Pages of a model that are let in and not read yet; see UpstreamQueueOptions. */
  readonly queuedFor?: (modelId: string) => number
}

/** The vLLM servers behind the gateway. */
export interface Upstreams {
  /** Asks every upstream what it serves. Joins a round under way; does nothing within a second of the last. Never throws. */
  refresh(signal: AbortSignal): Promise<void>
  /** Every model that an upstream serves, or served when it was last heard. */
  models(): readonly ServedModel[]
  find(modelId: string): ServedModel | null
  /** Waits for room at an upstream of the model, for one page; see UpstreamQueue. */
  acquire(claim: UpstreamClaim, signal: AbortSignal): Promise<UpstreamLease>
  /** Throws `engine_unavailable` when nobody has served the model for too long, and nobody does now that all are asked again. */
  expect(modelId: string, signal: AbortSignal): Promise<void>
  /** Pages that may be in flight at the upstreams of a model, all together. */
  capacity(modelId: string): number
  /** How much of that is free, with no page waiting for it. */
  spare(modelId: string): number
  status(): readonly UpstreamStatus[]
  /** Pages waiting for room. */
  waiting(): number
  /** Calls back whenever there may be more or less room. */
  onChange(listener: () => void): void
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
  const listeners: (() => void)[] = []
  const events = { onChange: notify, onTrouble: refreshSoon }
  const upstreams = options.urls.map((url) => createUpstream(url, options, events))
  const queue = createUpstreamQueue({ upstreams, ...options })
  const closing = new AbortController()
  let round: Promise<void> | null = null
  let lastRound = -Infinity
  let timer: NodeJS.Timeout | undefined
  let turn = 0

  function notify(): void {
    queue.dispatch()
    for (const listener of listeners) listener()
  }

  async function askAll(): Promise<void> {
    await Promise.all(upstreams.map((upstream) => upstream.discover(closing.signal)))
    lastRound = performance.now()
    round = null
    const troubled = upstreams.some((upstream) => !upstream.isAvailable())
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

  async function expect(modelId: string, signal: AbortSignal): Promise<void> {
    if (!queue.isOut(modelId)) return
    // It may have come back since the last round; the next one is a second after that at most.
    await delay(Math.max(0, lastRound + SECOND - performance.now()), undefined, { signal })
    await refresh(signal)
    signal.throwIfAborted()
    if (queue.isOut(modelId)) throw new EngineOutage(modelId)
  }

  const serving = (modelId: string) =>
    upstreams.filter((upstream) => upstream.models().some(({ id }) => id === modelId))

  /** A request that is passed through waits for nobody: it is its client's to be patient. */
  function claimNow(modelId: string): UpstreamLease {
    const able = serving(modelId)
    const well = able.filter((upstream) => upstream.isAvailable())
    // With none that is known to be well, one that was down a moment ago is worth a try: it answers or refuses at once.
    const upstream = soonest(well.length > 0 ? well : able, turn++)
    if (upstream !== null) return upstream.lease('forwarded')
    refreshSoon()
    throw new EngineOutage(modelId)
  }

  const models = () => joinServedModels(upstreams.map((upstream) => upstream.models()))
  const available = (modelId: string) => serving(modelId).filter((upstream) => upstream.isAvailable())
  return {
    refresh,
    models,
    find: (modelId) => models().find(({ id }) => id === modelId) ?? null,
    acquire: (claim, signal) => queue.acquire(claim, signal),
    expect,
    capacity: (modelId) => available(modelId).reduce((sum, upstream) => sum + upstream.limit(), 0),
    spare: (modelId) =>
      queue.waiting > 0 ? 0 : available(modelId).reduce((sum, upstream) => sum + Math.max(0, upstream.room()), 0),
    status: () => upstreams.map((upstream) => upstream.status()),
    waiting: () => queue.waiting,
    onChange: (listener) => void listeners.push(listener),
    forward: (request, signal) => forwardRequest(claimNow(request.model), request, signal),
    async close() {
      clearTimeout(timer)
      closing.abort(new GatewayError('draining', 'The gateway is stopping.'))
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}
