import { Redis, ReplyError } from 'ioredis'

/** What the cache writes to the log: once when Redis stops answering, once when it is back. */
export interface CacheLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** The address of Redis and the limits of its commands. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`; may hold a user name and a password, which are never logged. */
  readonly url: string
  readonly log: CacheLog
}

/** A connection whose commands end in time, with a reply or without, and that reconnects by itself. */
export interface RedisConnection {
  /**
   * Runs a command and resolves to its reply, or to undefined when Redis is down, slow or refuses, or the signal is
   * aborted. Never rejects; waits no longer than the time-out, and not at all while Redis is known to be down.
   */
  ask<Reply>(
    command: (redis: Redis) => Promise<Reply>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Reply | undefined>
  /** Whether it is known to answer. */
  isUp(): boolean
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
/** A socket without a reply for this long is replaced: it is dead, as a network partition sends no RST. */
const SOCKET_TIMEOUT_MS = 5_000
const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 2_000
const PROBE_INTERVAL_MS = 500
const PROBE_TIMEOUT_MS = 250
const CLOSE_TIMEOUT_MS = 500
/** A refused command (out of memory, read-only replica, no permission) is logged no more often than this. */
const REFUSAL_LOG_INTERVAL_MS = 60_000
/** After a failover the old address may be a replica; connecting anew finds the new primary. */
const READONLY_RECONNECT_INTERVAL_MS = 10_000

const late = Symbol('late')
/** The reason when a server closes the connection without an error. */
const closedError = new Error('the connection was closed')

/** Opens a connection to Redis. Returns at once: a Redis that has not started yet counts as down. */
export function openRedis({ url, log }: RedisConnectionOptions): RedisConnection {
  // The URL parser's own error carries the URL, and with it the password.
  if (!URL.canParse(url)) throw new TypeError('The address of Redis is not a URL: write redis://host:6379.')
  const reasonOf = createReason(url)
  const redis = new Redis(url, connectionOptions())
  const health = watchHealth(redis, log, reasonOf)
  const noteRefusal = createRefusalLog(log, reasonOf)

  async function replyWhenUp<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply | undefined> {
    // Without an await when Redis is up: a write that came before `close` must be sent before QUIT.
    if (health.state() === 'starting') await health.started
    return health.state() === 'up' ? await command(redis) : undefined
  }

  return {
    async ask(command, timeoutMs, signal) {
      const isAborted = () => signal?.aborted === true
      if (health.state() === 'down' || health.state() === 'closed' || isAborted()) return undefined
      try {
        const reply = await inTime(replyWhenUp(command), timeoutMs, signal)
        if (reply !== late) return reply
        if (!isAborted()) health.markDown(new Error(`no answer within ${timeoutMs} ms`))
      } catch (error) {
        // A Redis that refuses a command is up: it answered in time.
        if (error instanceof ReplyError) noteRefusal(error)
        else health.markDown(error)
      }
      return undefined
    },
    isUp: () => health.state() === 'up',
    async close() {
      const wasUp = health.state() === 'up'
      health.close()
      // Redis answers QUIT after the writes before it, so that none is lost.
      if (wasUp) await inTime(redis.quit(), CLOSE_TIMEOUT_MS).catch(() => late)
      if (redis.status !== 'end') redis.disconnect()
    },
  }
}

type Reason = (error: unknown) => string
type HealthState = 'starting' | 'up' | 'down' | 'closed'

/** Tracks whether Redis answers, logs each change, and probes a Redis that is down. */
function watchHealth(redis: Redis, log: CacheLog, reasonOf: Reason) {
  const started = Promise.withResolvers<void>()
  let state: HealthState = 'starting'
  let lastError: unknown = closedError
  let probe: NodeJS.Timeout | undefined

  function enter(next: HealthState): void {
    state = next
    clearTimeout(probe)
    started.resolve()
  }

  function markDown(error: unknown): void {
    if (state === 'down' || state === 'closed') return
    enter('down')
    log.warn({ reason: reasonOf(error) }, 'redis does not answer: every page is a miss until it does')
    scheduleProbe()
  }

  function markUp(): void {
    if (state === 'closed') return
    if (state === 'down') log.info({}, 'redis answers again')
    enter('up')
    lastError = closedError
  }

  // A connection that broke emits `ready` when it is back. One that only stalled does not: it is probed at intervals,
  // here and not by a page, so that no page waits for the probe.
  function scheduleProbe(): void {
    probe = setTimeout(() => void runProbe(), PROBE_INTERVAL_MS).unref()
  }

  async function runProbe(): Promise<void> {
    const answered = redis.status === 'ready' && (await answersPing(redis))
    if (state !== 'down') return
    if (answered) markUp()
    else scheduleProbe()
  }

  redis.on('ready', markUp)
  redis.on('close', () => markDown(lastError))
  redis.on('error', (error: unknown) => {
    lastError = error
    if (state === 'starting') markDown(error)
  })
  return { state: () => state, started: started.promise, markDown, close: () => enter('closed') }
}

async function answersPing(redis: Redis): Promise<boolean> {
  return (await inTime(redis.ping(), PROBE_TIMEOUT_MS).catch(() => late)) !== late
}

function createRefusalLog(log: CacheLog, reasonOf: Reason): (error: unknown) => void {
  let loggedAt = -Infinity
  return function noteRefusal(error) {
    if (performance.now() - loggedAt < REFUSAL_LOG_INTERVAL_MS) return
    loggedAt = performance.now()
    log.warn({ reason: reasonOf(error) }, 'redis refuses a command of the page cache')
  }
}

function connectionOptions() {
  let reconnectedAt = -Infinity
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    // How long a socket may take to close; it keeps the process alive meanwhile.
    disconnectTimeout: 200,
    retryStrategy: (times: number) =>
      Math.min(RECONNECT_MIN_MS * 2 ** Math.min(times, 10), RECONNECT_MAX_MS) * (0.75 + Math.random() / 4),
    // No command waits for a connection, and none is sent twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    reconnectOnError(error: Error) {
      const due = performance.now() - reconnectedAt > READONLY_RECONNECT_INTERVAL_MS
      if (errorCode(error) !== 'READONLY' || !due) return false
      reconnectedAt = performance.now()
      return true
    },
  }
}

/** Redis sends the code of an error as the first word of its message, and ioredis leaves it there. */
function errorCode({ message }: Error): string | undefined {
  return message.split(' ', 1)[0]
}

/** Resolves as the promise does, or to `late` when the time is up or the signal is aborted before that. */
async function inTime<Value>(
  promise: Promise<Value>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Value | typeof late> {
  const over = Promise.withResolvers<typeof late>()
  const giveUp = () => over.resolve(late)
  // After a stalled event loop, timers run before sockets are read: an answer that has arrived is read first.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs)
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}

/**
 * Only the message is logged, without secrets: ioredis adds the arguments of AUTH to its errors, and old servers echo
 * them.
 */
function createReason(url: string): Reason {
  const { password } = new URL(url)
  const secrets = [password, decodeURIComponent(password)].filter((secret) => secret !== '')
  return (error) => {
    const message = error instanceof Error ? error.message || error.name : String(error)
    return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message)
  }
}
