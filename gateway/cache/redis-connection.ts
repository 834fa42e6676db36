import { Redis, ReplyError } from 'ioredis'

/** What the cache writes to the log: once when Redis stops answering, once when it is back. */
export interface CacheLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** How Redis is reached. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`; may hold a user name and a password, which are never logged. */
  readonly url: string
  readonly log: CacheLog
}

/** A connection that answers in time or not at all, and mends itself. */
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
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
/** A socket that owes an answer for this long is dead (a partition sends no RST): it is replaced. */
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
/** A server that leaves in good order sends no error. */
const closedError = new Error('the connection was closed')

/** Opens a connection to Redis. Returns at once: a Redis that is not there yet is a Redis that is down. */
export function openRedis({ url, log }: RedisConnectionOptions): RedisConnection {
  // The URL parser's own error carries the URL, and with it the password.
  if (!URL.canParse(url)) throw new TypeError('The address of Redis is not a URL: write redis://host:6379.')
  const reasonOf = createReason(url)
  const redis = new Redis(url, connectionOptions())
  const health = watchHealth(redis, log, reasonOf)
  const noteRefusal = createRefusalLog(log, reasonOf)

  async function replyWhenUp<Reply>(command: (redis: Redis) => Promise<Reply>): Promise<Reply | undefined> {
    // No await otherwise: a write that came before `close` must go out before QUIT.
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
        // A Redis that says no is well: nobody waits, so there is nothing to cut short.
        if (error instanceof ReplyError) noteRefusal(error)
        else health.markDown(error)
      }
      return undefined
    },
    async close() {
      const wasUp = health.state() === 'up'
      health.close()
      // QUIT is answered after the writes before it: what was stored is not lost.
      if (wasUp) await inTime(redis.quit(), CLOSE_TIMEOUT_MS).catch(() => late)
      if (redis.status !== 'end') redis.disconnect()
    },
  }
}

type Reason = (error: unknown) => string
type HealthState = 'starting' | 'up' | 'down' | 'closed'

/** Knows whether Redis answers, says so in the log when that changes, and finds out when it does again. */
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

  // A connection that broke announces itself with `ready`. One that merely stalled does not: it is asked now and then,
  // here rather than by a page, so that no page pays for the question.
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
    // How long a socket may take to say goodbye; it keeps the process alive meanwhile.
    disconnectTimeout: 200,
    retryStrategy: (times: number) =>
      Math.min(RECONNECT_MIN_MS * 2 ** Math.min(times, 10), RECONNECT_MAX_MS) * (0.75 + Math.random() / 4),
    // Nothing waits for a connection that is not there, and nothing is sent twice.
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

/** Resolves to `late` when the time is up or the signal is aborted first; the promise is left to end by itself. */
async function inTime<Value>(
  promise: Promise<Value>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Value | typeof late> {
  const over = Promise.withResolvers<typeof late>()
  const giveUp = () => over.resolve(late)
  // After a stalled event loop, timers run before the socket is read: an answer that is there already gets its turn first.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs)
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}

/** Only the message is logged: ioredis hangs the arguments of AUTH on its errors, and old servers echo them. */
function createReason(url: string): Reason {
  const { password } = new URL(url)
  const secrets = [password, decodeURIComponent(password)].filter((secret) => secret !== '')
  return (error) => {
    const message = error instanceof Error ? error.message || error.name : String(error)
    return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message)
  }
}
