import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Resolve } from '../../gateway/document/download/resolve.ts'
import { createDatabase } from '../../gateway/store/database.ts'
import type { SharedRedis } from '../../gateway/store/redis.ts'
import { createMetrics } from '../../gateway/telemetry/metrics.ts'
import { endEvent } from '../../gateway/webhook/event.ts'
import type { KeptEvent } from '../../gateway/webhook/event.ts'
import { createWebhooks, type Webhooks } from '../../gateway/webhook/webhooks.ts'
import { WEBHOOK_SECRET } from './start-receiver.ts'
import { eventually } from './within.ts'

/** Webhooks without a gateway around them, whose time a test lets pass. */
export interface WebhookBench extends AsyncDisposable {
  readonly webhooks: Webhooks
  /** What was logged, as JSON. */
  readonly logged: () => string
  /** The tries so far, by outcome. */
  readonly outcomes: () => Promise<Record<string, number>>
  /** Tells of the end of a batch. */
  tell(batch: string): Promise<KeptEvent>
  find(batch: string): Promise<KeptEvent>
  /** Lets time pass until an event was tried that often, or has ended, and returns it. */
  tried(batch: string, count: number): Promise<KeptEvent>
  pass(milliseconds: number): void
  readonly now: () => number
  /** Ends this process's webhooks, and begins them anew over the same events. */
  restart(): Promise<void>
}

/** What a test may want to be different. */
export interface WebhookBenchOptions {
  readonly url: string
  readonly listed?: readonly string[]
  readonly resolve?: Resolve
  readonly shared?: SharedRedis
  readonly secrets?: readonly string[]
  readonly timeoutSeconds?: number
}

const DEADLINE = 25_000
/** How long an event is a process's own while it is sent. */
const LEASE = 20_000

/** Creates it. */
export function createWebhookBench({
  url,
  listed = ['127.0.0.1'],
  resolve = async () => [],
  shared,
  secrets = [WEBHOOK_SECRET],
  timeoutSeconds = 15,
}: WebhookBenchOptions): WebhookBench {
  const folder = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const database = createDatabase(folder)
  const metrics = createMetrics()
  const lines: string[] = []
  let time = Date.now()
  const create = (): Webhooks =>
    createWebhooks({
      url: new URL(url),
      secrets,
      listed: listed.map((host) => ({ host, isSuffix: false, port: null })),
      resolve,
      database,
      shared: shared ?? null,
      log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
      metrics,
      now: () => time,
      timeoutSeconds,
    })
  let webhooks = create()
  const eventOf = (batch: string) => endEvent('batch.completed', { id: batch, owner: '', endedAt: time })
  const find = (batch: string): Promise<KeptEvent> => webhooks.find(null, eventOf(batch).id)
  return {
    get webhooks() {
      return webhooks
    },
    logged: () => lines.join(''),
    async outcomes() {
      const { values } = await metrics.webhookDeliveries.get()
      return Object.fromEntries(values.map(({ labels, value }) => [String(labels['outcome']), value]))
    },
    async tell(batch) {
      await webhooks.tell([eventOf(batch)])
      return find(batch)
    },
    find,
    async tried(batch, count) {
      const look = async (): Promise<boolean> => {
        const { status, attempts, dueAt } = await find(batch)
        if (status !== 'pending') return true
        if (dueAt === time + LEASE) return false
        if (attempts >= count) return true
        time = Math.max(time, dueAt ?? 0)
        // Has it looked for now.
        await webhooks.tell([])
        return false
      }
      await eventually(look, DEADLINE, `try ${count}`)
      return find(batch)
    },
    pass: (milliseconds) => void (time += milliseconds),
    now: () => time,
    async restart() {
      await webhooks.close()
      webhooks = create()
    },
    async [Symbol.asyncDispose]() {
      await webhooks.close()
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
