import { z } from 'zod'

// What `GET /status` says: one moment of one gateway. No text of a document, no name of a file, no key, no password.

const count = z.number().int().nonnegative()
const amount = z.number().nonnegative()
const lane = z.enum(['interactive', 'batch'])

const gateway = z.object({
  version: z.string(),
  uptime_seconds: amount,
  state: z.enum(['ready', 'draining', 'no_upstream']),
  memory_bytes: count,
  heap_bytes: count,
  /** Share of the last second that the event loop was busy: 0 to 1. */
  event_loop_utilization: amount,
  /** How late the event loop was at most, 99 times of 100; null: it is measured only while somebody watches. */
  event_loop_delay_ms: amount.nullable(),
})

const upstream = z.object({
  url: z.string(),
  /** Null: it answers. */
  problem: z.string().nullable(),
  warnings: z.array(z.string()),
  breaker: z.enum(['closed', 'half-open', 'open']),
  held_back: z.boolean(),
  version: z.string().nullable(),
  models: z.array(z.string()),
  in_flight: count,
  lanes: z.object({ interactive: count, batch: count }),
  /** Pages that wait for it or another one of its models. */
  waiting: count,
  limit: count,
  limit_from: z.enum(['pinned', 'found', 'searching', 'replica']),
  /** This gateway's part of the limit. */
  part: count,
  gateways: count.nullable(),
  pages_last_minute: count,
  seconds_per_page: amount.nullable(),
  seconds_to_first_text: amount.nullable(),
  /** What the server says of its own work. */
  server: z
    .object({ running: amount.nullable(), waiting: amount.nullable(), kv_cache_usage: amount.nullable() })
    .nullable(),
})

const queue = z.object({
  /** Pages that are let in and not read yet, and the most that may be. */
  admitted: count,
  most: count,
  /** Of them, those that wait to be drawn, and for room at an upstream. */
  waiting_to_be_drawn: count,
  waiting_for_upstream: count,
  /** `key` null: of a gateway without keys. */
  owners: z.array(z.object({ lane, key: z.string().nullable(), pages: count })),
  /** Keys beyond those listed. */
  more_owners: count,
})

const minutes = z.array(count)

const batch = z.object({
  id: z.string(),
  key: z.string().nullable(),
  status: z.enum([
    'validating',
    'in_progress',
    'finalizing',
    'cancelling',
    'completed',
    'failed',
    'expired',
    'cancelled',
  ]),
  model: z.string().nullable(),
  created_at: count,
  total: count,
  completed: count,
  failed: count,
})

/** What `GET /status` answers, and each event of `GET /status/events`. */
export const statusSnapshot = z.object({
  object: z.literal('status'),
  /** Unix time, in milliseconds. */
  at: count,
  gateway,
  upstreams: z.array(upstream),
  drawers: z.object({ alive: count, busy: count, waiting: count, memory_bytes: count }),
  queue,
  requests: z.object({ in_flight: count, connections: count }),
  pages: z.object({
    in_flight: count,
    /** Of each of the last 60 minutes, the oldest first; the last one is not over. */
    by_minute: z.object({
      ok: minutes,
      repaired: minutes,
      fallback: minutes,
      blank: minutes,
      failed: minutes,
      pending: minutes,
    }),
  }),
  cache: z.object({
    place: z.enum(['memory', 'disk', 'redis', 'off']),
    /** Null: there is no Redis. */
    redis_up: z.boolean().nullable(),
    entries: count.nullable(),
    bytes: count.nullable(),
    most_bytes: count.nullable(),
    /** Of the last five minutes. */
    lookups: count,
    hits: count,
  }),
  failures: z.object({
    /** Of the last hour. */
    by_code: z.array(z.object({ code: z.string(), times: count })),
    recent: z.array(
      z.object({
        at: count,
        times: count,
        code: z.string(),
        route: z.string().nullable(),
        model: z.string().nullable(),
        request_id: z.string(),
        key: z.string().nullable(),
      }),
    ),
  }),
  /** Null: they cannot be looked up now. */
  batches: z
    .object({
      unended: count,
      ended: count,
      by_status: z.record(z.string(), count),
      running: z.array(batch),
      lines_in_flight: count,
    })
    .nullable(),
  /** Null: no webhook is set. */
  webhooks: z.object({ waiting: count, oldest_seconds: amount.nullable() }).nullable(),
  /** Null: it cannot be looked up now. */
  files: z.object({ files: count, bytes: count, most_bytes: count }).nullable(),
  /** Settings that decide how much is read at a time, and how long it may take. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})

/** One moment of a gateway. */
export type StatusSnapshot = z.output<typeof statusSnapshot>
