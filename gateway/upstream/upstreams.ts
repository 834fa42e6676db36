import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { createUpstreamChoice } from './choice.ts'
import type { UpstreamChoice, UpstreamClaim } from './choice.ts'
import { forwardRequest } from './forward.ts'
import type { ForwardRequest, ForwardedResponse } from './forward.ts'
import type { UpstreamLease } from './lease.ts'
import { EngineOutage } from './outage.ts'
import { createUpstreamQueue } from './queue.ts'
import type { UpstreamQueue, UpstreamQueueOptions } from './queue.ts'
import { createRounds } from './rounds.ts'
import { joinServedModels } from './served-models.ts'
import { createUpstream } from './upstream.ts'
import type { UpstreamOptions, UpstreamStatus } from './upstream.ts'

/** Which upstreams there are, and how they are asked. */
export interface UpstreamsOptions extends UpstreamOptions, UpstreamQueueOptions {
  /** OpenAI-compatible base URLs: `http://vllm:8000/v1`. */
  readonly urls: readonly string[]
  /** How often every upstream is asked what it serves; one with a problem at least every five seconds. */
  readonly refreshSeconds: number
  /** Pages that are let in and that a model has not been asked to read yet; see createUpstreamChoice. */
  readonly unsentFor?: (modelId: string) => number
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
  /** The most tokens that every upstream of a model takes of a page image, as far as is known; null: no limit is. */
  maxImageTokens(modelId: string): number | null
  status(): readonly UpstreamStatus[]
  /** Says whether an upstream's answer agreed with a page's text layer that can be trusted. */
  compared(url: string, agrees: boolean): void
  /** Pages waiting for room. */
  waiting(): number
  /** Calls back whenever there may be more or less room. */
  onChange(listener: () => void): void
  /** Passes a request through untouched; see forwardRequest. */
  forward(request: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse>
  /** Breaks every connection and stops asking. */
  close(): Promise<void>
}

/** How long a request that is passed through waits for upstreams to say how they are. */
const MAX_REFRESH_MILLISECONDS = 1500

/** Creates the upstreams. Nothing is asked before the first `refresh`. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const closing = new AbortController()
  const listeners: (() => void)[] = []
  const waitingFor = (modelId: string) => queue.waitingFor(modelId)
  const events = { waitingFor, onChange: notify, onTrouble: () => rounds.refreshSoon() }
  const upstreams = options.urls.map((url) => createUpstream(url, options, events))
  const choice = createUpstreamChoice(upstreams, options.unsentFor)
  const queue = createUpstreamQueue(choice, options)
  const claim = createForwardedClaim({ choice, queue, refresh: (signal) => rounds.refresh(signal) })
  const rounds = createRounds({ askAll, refreshSeconds: options.refreshSeconds }, closing.signal)

  function notify(): void {
    queue.dispatch()
    for (const listener of listeners) listener()
  }

  async function askAll(): Promise<boolean> {
    await Promise.all(upstreams.map((upstream) => upstream.discover(closing.signal)))
    return upstreams.some((upstream) => !upstream.isAvailable() || !upstream.isPrompt())
  }

  async function expect(modelId: string, signal: AbortSignal): Promise<void> {
    // One that was put to sleep since the last round would let pages hang until the next one.
    await Promise.all(choice.serving(modelId).map((upstream) => upstream.askAsleep(signal)))
    if (!queue.isOut(modelId)) return
    // An upstream may have come back since the last round.
    await rounds.refreshAnew(signal)
    if (queue.isOut(modelId)) throw new EngineOutage(modelId)
  }

  const models = () => joinServedModels(upstreams.map((upstream) => upstream.models()))
  const available = (modelId: string) => choice.serving(modelId).filter((upstream) => upstream.isAvailable())
  return {
    refresh: (signal) => rounds.refresh(signal),
    models,
    find: (modelId) => models().find(({ id }) => id === modelId) ?? null,
    acquire: (claim, signal) => queue.acquire(claim, signal),
    expect,
    capacity: (modelId) => available(modelId).reduce((sum, upstream) => sum + upstream.limit(), 0),
    spare: (modelId) =>
      queue.waiting > 0
        ? 0
        : available(modelId).reduce((sum, upstream) => sum + Math.max(0, upstream.room('batch')), 0),
    compared: (url, agrees) => upstreams.find((upstream) => upstream.url === url)?.compared(agrees),
    maxImageTokens(modelId) {
      const limits = choice.serving(modelId).flatMap((upstream) => upstream.maxImageTokens() ?? [])
      return limits.length === 0 ? null : Math.min(...limits)
    },
    status: () => upstreams.map((upstream) => upstream.status()),
    waiting: () => queue.waiting,
    onChange: (listener) => void listeners.push(listener),
    forward: async (request, signal) => forwardRequest(await claim(request, signal), request, signal),
    async close() {
      closing.abort(new GatewayError('draining', 'The gateway is stopping.'))
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}

/** What claims for forwarded requests are made of. */
interface ForwardedClaimOptions {
  readonly choice: UpstreamChoice
  readonly queue: UpstreamQueue
  /** Asks all upstreams how they are. */
  readonly refresh: (signal: AbortSignal) => Promise<void>
}

/**
 * Creates what finds an upstream for a forwarded request. A chat of an OCR model waits while its upstreams are full of
 * pages, and behind those that wait. It takes none of their room: as many as come may pass once there is any. Every other
 * request does not wait here, nor does a chat that nobody serves: its client decides whether to try again. An upstream that
 * sleeps would let it hang, so those that can sleep are asked first.
 */
function createForwardedClaim({ choice, queue, refresh }: ForwardedClaimOptions) {
  async function find({ model: modelId, turn }: ForwardRequest, signal: AbortSignal): Promise<UpstreamLease | null> {
    if (turn !== null && choice.isServed(modelId)) return queue.acquire({ modelId, turn, kind: 'forwarded' }, signal)
    return choice.forForwarded(modelId)?.lease(null) ?? null
  }

  return async function claim(request: ForwardRequest, signal: AbortSignal): Promise<UpstreamLease> {
    await Promise.all(choice.serving(request.model).map((upstream) => upstream.askAsleep(signal)))
    const lease = await find(request, signal)
    if (lease !== null) return lease
    // One may have been woken since the last round.
    await refresh(AbortSignal.any([signal, AbortSignal.timeout(MAX_REFRESH_MILLISECONDS)]))
    signal.throwIfAborted()
    const woken = await find(request, signal)
    if (woken === null) throw new EngineOutage(request.model)
    return woken
  }
}
