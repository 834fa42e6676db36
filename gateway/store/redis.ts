import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { GatewayError } from '../errors.ts'

/** What must survive a restart, where replicas share it: state in Redis. The page cache has a connection of its own, with other rules. */
export interface SharedRedis {
  /** Begins every key of the gateway's shared state: `ocr-gateway:`. */
  readonly prefix: string
  /**
   * Runs commands; where Redis is away they are run again for some seconds. Throws `storage_unavailable` when it stays away, is
   * read-only or full, and what its scripts throw. A command whose reply is lost may have been run: let it do no harm twice.
   */
  readonly run: <Reply>(commands: (redis: Redis) => Promise<Reply>) => Promise<Reply>
  /** Returns another connection to the same Redis, for a library that wants its own; closing it is the caller's. Commands on it wait for ever. */
  connect(): Redis
  close(): Promise<void>
}

/** How the connection is made. */
export interface SharedRedisOptions {
  /** `redis://` or `rediss://`; may hold a user name and a password, which are never logged. */
  readonly url: string
  /** Told of a connection's errors, once a minute while they last; without the secrets of the address. */
  readonly onError?: (error: Error) => void
  /** How long commands wait for a Redis that is away, in milliseconds. */
  readonly patience?: number
  /** A connection on which a reply does not come for so long is given up, in milliseconds. */
  readonly silence?: number
}

const PATIENCE = 5000
const SILENCE = 5000
const CONNECT_TIMEOUT = 2000
const MAX_RECONNECT_DELAY = 1000
/** Between two tries of a Redis that answers but cannot do it yet. */
const TRY_EVERY = 200
const TELL_EVERY = 60_000
const PREFIX = 'ocr-gateway:'

/** Opens the connection when it is first used. */
export function createSharedRedis(options: SharedRedisOptions): SharedRedis {
  const { url, patience = PATIENCE, silence = SILENCE } = options
  // The URL parser's own error carries the URL, and with it the password.
  if (!URL.canParse(url)) throw new TypeError('The address of Redis is not a URL: write redis://host:6379.')
  const onError = createErrorListener(options)
  const open = new Set<Redis>()

  function connect(more: Readonly<Record<string, unknown>>): Redis {
    const redis = new Redis(url, {
      connectTimeout: CONNECT_TIMEOUT,
      // The kernel of a Redis that hangs still takes bytes: only its silence tells.
      socketTimeout: silence,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), MAX_RECONNECT_DELAY),
      reconnectOnError: reconnectToPrimary(),
      ...more,
    })
    // Whoever waits for it listens.
    redis.setMaxListeners(0)
    redis.on('error', onError)
    redis.on('end', () => open.delete(redis))
    open.add(redis)
    return redis
  }

  let main: Redis | null = null
  const closing = new AbortController()
  return {
    prefix: PREFIX,
    async run(commands) {
      if (closing.signal.aborted) throw unavailable(new Error('The connection was closed.'))
      // A command fails with its connection, instead of waiting in a line of its own where it could be run after all.
      main ??= connect({ maxRetriesPerRequest: 0, enableOfflineQueue: false, autoResendUnfulfilledCommands: false })
      const redis = main
      const deadline = performance.now() + patience
      for (;;) {
        try {
          await ready(redis, deadline, closing.signal)
          return await commands(redis)
        } catch (error) {
          if (!isAway(error)) throw error
          if (closing.signal.aborted || !mayPass(error) || performance.now() + TRY_EVERY > deadline)
            throw unavailable(error)
          await delay(TRY_EVERY)
        }
      }
    },
    connect: () => connect({ maxRetriesPerRequest: null }),
    async close() {
      closing.abort()
      for (const redis of open) redis.disconnect()
    },
  }
}

/** After a failover the old address may be a replica; connecting anew finds the new primary. Not at each error: others wait. */
function reconnectToPrimary(): (error: Error) => boolean {
  let reconnectedAt = -Infinity
  return (error) => {
    if (!error.message.startsWith('READONLY') || performance.now() - reconnectedAt < MAX_RECONNECT_DELAY) return false
    reconnectedAt = performance.now()
    return true
  }
}

/** ioredis adds the arguments of AUTH to its errors, and old servers echo them. */
function createErrorListener({ url, onError = () => {} }: SharedRedisOptions): (error: Error) => void {
  const { password } = new URL(url)
  const secrets = [password, decodeURIComponent(password)].filter((secret) => secret !== '')
  let toldAt = -Infinity
  return ({ name, message }) => {
    if (performance.now() - toldAt < TELL_EVERY) return
    toldAt = performance.now()
    onError(new Error(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message || name)))
  }
}

class NoConnection extends Error {}

async function ready(redis: Redis, deadline: number, closing: AbortSignal): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const patience = Math.max(0, deadline - performance.now())
  const timer = setTimeout(() => reject(new NoConnection('no connection')), patience)
  const end = (): void => reject(new NoConnection('The connection was closed.'))
  redis.once('ready', resolve)
  // A connection that is given up between two tries does not say so.
  closing.addEventListener('abort', end, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    redis.off('ready', resolve)
    closing.removeEventListener('abort', end)
  }
}

/** What another try may find otherwise, by the first word of what Redis says, or by what ioredis says of a lost connection. */
const PASSING =
  /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY|TRYAGAIN|Reached the max retries|Stream isn't writeable|Connection is closed|Socket timeout|Command aborted)/
/** What stays until somebody does something about it. */
const STANDING = /^(OOM|MISCONF|NOAUTH|WRONGPASS|NOPERM|NOREPLICAS)/

function isAway(error: unknown): error is Error {
  return error instanceof Error && (mayPass(error) || STANDING.test(error.message))
}

function mayPass(error: Error): boolean {
  return error instanceof NoConnection || error.name === 'MaxRetriesPerRequestError' || PASSING.test(error.message)
}

function unavailable(cause: Error): GatewayError {
  return new GatewayError(
    'storage_unavailable',
    `Redis, in which the replicas of this gateway keep files and batches, ${troubleOf(cause)}. Send the request again.`,
    { cause },
  )
}

function troubleOf({ message }: Error): string {
  if (message.startsWith('READONLY')) return 'is read-only'
  if (message.startsWith('OOM')) return 'is full'
  if (message.startsWith('MISCONF')) return 'cannot write to its disk'
  return 'does not answer'
}
