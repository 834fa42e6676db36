import type { ListedHost } from '../document/download/address.ts'
import type { Resolve } from '../document/download/resolve.ts'
import { GatewayError } from '../errors.ts'
import type { Database } from '../store/database.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { KeptEvent, WebhookEvent } from './event.ts'
import type { Backlog, EventPage, EventQuery } from './outbox.ts'
import { createPost } from './post.ts'
import { createRedisOutbox } from './redis-outbox.ts'
import { createSender } from './sender.ts'
import { createSqlOutbox } from './sql-outbox.ts'

/** Tells a receiver what has ended. */
export interface Webhooks {
  /** Keeps events until they are delivered, or given up. May be told of one again, at any time. */
  tell(events: readonly WebhookEvent[]): Promise<void>
  /** Throws `invalid_value` where `after` names none of the key's events. */
  list(key: string | null, query: EventQuery): Promise<EventPage>
  /** Throws `not_found`. */
  find(key: string | null, id: string): Promise<KeptEvent>
  /** Sends an event at once, with all tries that a new one has. Throws `not_found`. */
  redeliver(key: string | null, id: string): Promise<KeptEvent>
  /** What waited a moment ago. */
  readonly backlog: Backlog
  close(): Promise<void>
}

/** What webhooks need. */
export interface WebhooksOptions {
  readonly url: URL
  readonly secrets: readonly string[]
  /** Hosts that may be private. */
  readonly listed: readonly ListedHost[]
  readonly resolve: Resolve
  readonly database: Database
  /** Where replicas share it. */
  readonly shared: SharedRedis | null
  readonly log: Log
  readonly metrics: Metrics
  /** Returns milliseconds of Unix time, by which it is known what is due; left out: the machine's, or Redis's. */
  readonly now?: () => number
  /** How long a receiver may take to answer; left out: as long as OpenAI's and most other senders wait. */
  readonly timeoutSeconds?: number
}

const TIMEOUT_SECONDS = 15

/** Creates the webhooks, and begins to send what waits. */
export function createWebhooks({ database, shared, log, metrics, now, ...target }: WebhooksOptions): Webhooks {
  const outbox = shared === null ? createSqlOutbox(database, now) : createRedisOutbox(shared, now)
  const post = createPost({ timeoutSeconds: TIMEOUT_SECONDS, ...target })
  const sender = createSender({ outbox, post, log, metrics })
  return {
    async tell(events) {
      await outbox.add(events)
      sender.wake()
    },
    async list(key, query) {
      const page = await outbox.list(key ?? '', query)
      if (page === null) throw new GatewayError('invalid_value', 'after: there is no such event.', { param: 'after' })
      return page
    },
    find: async (key, id) => (await outbox.find(key ?? '', id)) ?? notFound(id),
    async redeliver(key, id) {
      const event = (await outbox.redeliver(key ?? '', id)) ?? notFound(id)
      sender.wake()
      return event
    },
    get backlog() {
      return sender.backlog
    },
    close: () => sender.close(),
  }
}

function notFound(id: string): never {
  throw new GatewayError(
    'not_found',
    `There is no event ${JSON.stringify(id.slice(0, 100))}: it belongs to another key, or it ended too long ago. GET /v1/webhooks/events lists those that there are.`,
  )
}
