import { Redis } from 'ioredis'
import { GatewayError } from '../errors.ts'

/** What must survive a restart, where replicas share it: state in Redis. The page cache has a connection of its own, with other rules. */
export interface SharedRedis {
  /** Begins every key of the gateway's shared state: `ocr-gateway:`. */
  readonly prefix: string
  /**
   * Runs commands; waits for a Redis that is away for some seconds. Throws `storage_unavailable` when it stays away, is
   * read-only or full, and what its scripts throw. A command whose reply is lost may have been run: let it do no harm twice.
   */
  run<Reply>(commands: (redis: Redis) => Promise<Reply>): Promise<Reply>
  /** Returns another connection to the same Redis, for a library that wants its own; closing it is the caller's. Commands on it wait for ever. */
  connect(): Redis
  close(): Promise<void>
}

/** How the connection is made. */
export interface SharedRedisOptions {
  /** `redis://` or `rediss://`; may hold a user name and a password, which are never logged. */
  readonly url: string
  /** Told of the connection's errors, again and again while they last. */
  readonly onError?: (error: Error) => void
}

/** How long commands wait for a Redis that is away, in milliseconds. */
const PATIENCE = 5000
const CONNECT_TIMEOUT = 2000
const MAX_RECONNECT_DELAY = 1000
/** How long a command that was sent waits for its reply, in milliseconds. */
const COMMAND_TIMEOUT = 10_000
const PREFIX = 'ocr-gateway:'

/** Opens the connection when it is first used. */
export function createSharedRedis({ url, onError = () => {} }: SharedRedisOptions): SharedRedis {
  // The URL parser's own error carries the URL, and with it the password.
  if (!URL.canParse(url)) throw new TypeError('The address of Redis is not a URL: write redis://host:6379.')
  const open: Redis[] = []

  function connect(options: Readonly<Record<string, unknown>>): Redis {
    const redis = new Redis(url, {
      connectTimeout: CONNECT_TIMEOUT,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), MAX_RECONNECT_DELAY),
      // After a failover the old address may be a replica; connecting anew finds the new primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      ...options,
    })
    redis.on('error', onError)
    open.push(redis)
    return redis
  }

  let main: Redis | null = null
  return {
    prefix: PREFIX,
    async run(commands) {
      main ??= connect({ maxRetriesPerRequest: null, commandTimeout: COMMAND_TIMEOUT })
      try {
        await ready(main)
        return await commands(main)
      } catch (error) {
        throw isAway(error) ? unavailable(error) : error
      }
    },
    connect: () => connect({ maxRetriesPerRequest: null }),
    async close() {
      for (const redis of open) redis.disconnect()
    },
  }
}

class Away extends Error {}

async function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Away('no connection')), PATIENCE)
  redis.once('ready', resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    redis.off('ready', resolve)
  }
}

/** By the first word of what Redis says, or by what ioredis calls a connection that ended. */
const AWAY =
  /^(READONLY|OOM|LOADING|MISCONF|CLUSTERDOWN|MASTERDOWN|NOAUTH|WRONGPASS|NOPERM|Command timed out|Connection is closed)/

function isAway(error: unknown): boolean {
  return error instanceof Away || (error instanceof Error && AWAY.test(error.message))
}

function unavailable(cause: unknown): GatewayError {
  return new GatewayError(
    'storage_unavailable',
    'Redis, in which the replicas of this gateway keep files and batches, does not answer. Send the request again.',
    { cause },
  )
}
