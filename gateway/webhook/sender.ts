import { createLooker } from '../schedule/looker.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Backlog, ClaimedEvent, Outbox, TryOutcome } from './outbox.ts'
import type { Post, Posted } from './post.ts'
import { retryDelay } from './retry.ts'

/** What sends events. */
export interface SenderServices {
  readonly outbox: Outbox
  readonly post: Post
  readonly log: Log
  readonly metrics: Metrics
}

/** Sends what is due, some events at a time. */
export interface Sender {
  /** Looks for what is due. */
  wake(): void
  /** What waited when that was last looked at. */
  readonly backlog: Backlog
  /** Breaks off what is being sent, and puts it back. */
  close(): Promise<void>
}

/** How many are sent at a time: a receiver that does not answer holds this many for as long as it may take. */
const MAX_AT_A_TIME = 8
/** How long a process that has died keeps others from an event: longer than a try takes. In milliseconds. */
const LEASE = 20_000
const LOOK_EVERY = 1000
/** How often the backlog is counted, and old events are forgotten, in milliseconds. */
const COUNT_EVERY = 4000
const FORGET_EVERY = 60_000

/** Creates what sends the events of an outbox. It looks for them from the start. */
export function createSender(services: SenderServices): Sender {
  const { outbox, log } = services
  const running = new Set<Promise<void>>()
  const leave = new AbortController()
  let backlog: Backlog = { waiting: 0, oldestAt: null }
  let countedAt = -Infinity
  let forgotAt = -Infinity

  async function look(): Promise<void> {
    while (!leave.signal.aborted && running.size < MAX_AT_A_TIME) {
      const claimed = await outbox.claim(LEASE)
      if (claimed === null) break
      begin(claimed)
    }
    const now = performance.now()
    if (now > countedAt + COUNT_EVERY) {
      backlog = await outbox.backlog()
      countedAt = now
    }
    if (now > forgotAt + FORGET_EVERY && !(await outbox.forgetOld())) forgotAt = now
  }

  function begin(claimed: ClaimedEvent): void {
    const sending = deliver(claimed, services, leave.signal).finally(() => {
      running.delete(sending)
      looker.wake()
    })
    running.add(sending)
  }

  const onTrouble = (error: unknown): void => {
    if (!leave.signal.aborted) log.error({ err: error }, 'webhook events cannot be looked for')
  }
  const looker = createLooker({ look, everyMs: LOOK_EVERY, onTrouble })
  return {
    wake: () => looker.wake(),
    get backlog() {
      return backlog
    },
    async close() {
      leave.abort(new DOMException('The gateway stops.', 'AbortError'))
      await looker.close()
      await Promise.all(running)
    },
  }
}

/** Sends an event once, and notes what has become of it. Never throws. */
async function deliver(claimed: ClaimedEvent, services: SenderServices, signal: AbortSignal): Promise<void> {
  const { outbox, post, log } = services
  const { id, type } = claimed.event
  try {
    const posted = await post(claimed, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
      return null
    })
    const outcome = posted === null ? ({ status: 'given back' } as const) : outcomeOf(claimed, posted)
    tell(claimed, outcome, services)
    await outbox.note(claimed, outcome)
  } catch (error) {
    // Its lease ends, and it is sent again.
    log.error({ event: id, type, err: error }, 'what has become of a webhook event was not noted')
  }
}

function outcomeOf({ event }: ClaimedEvent, posted: Posted): TryOutcome {
  if (posted.kind === 'taken') return { status: 'delivered' }
  const { problem } = posted
  if (posted.kind === 'gone') return { status: 'failed', problem }
  const delayMs = retryDelay(event.attempts, posted.retryAfterSeconds, Math.random())
  return delayMs === null ? { status: 'failed', problem } : { status: 'pending', problem, delayMs }
}

function tell({ event }: ClaimedEvent, outcome: TryOutcome, { log, metrics }: SenderServices): void {
  const { id, type, objectId, owner, attempts } = event
  const fields = { event: id, type, object: objectId, ...(owner === '' ? {} : { key: owner }), attempts }
  if (outcome.status === 'given back') return
  metrics.webhookDeliveries.inc({ outcome: METRIC[outcome.status] })
  if (outcome.status === 'delivered') log.info(fields, 'webhook event delivered')
  else if (outcome.status === 'failed') log.error({ ...fields, problem: outcome.problem }, 'webhook event given up')
  else {
    const seconds = Math.round(outcome.delayMs / 1000)
    log.warn({ ...fields, problem: outcome.problem, seconds }, 'webhook event is sent again later')
  }
}

const METRIC = { delivered: 'delivered', pending: 'failed', failed: 'given_up' } as const
