import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose'

/** How the keys of an issuer are fetched. */
export interface PublishedKeysOptions {
  readonly url: URL
  /** Told of a failure, once a minute while they last. */
  readonly onFailure: (reason: string) => void
  readonly now?: () => number
  readonly timeoutMs?: number
}

/** The keys of an issuer cannot be had: that says nothing of the token. */
export class KeysUnavailable extends Error {}

/** In milliseconds. */
const TIMEOUT = 3000
/** Whoever invents names of keys has the issuer asked once in so long. */
const COOLDOWN = 30_000
/** An issuer that has just not answered is not asked. */
const PAUSE = 5000
/** From then on they are fetched again beside the requests. */
const FRESH = 600_000
/** Keys that could not be fetched again for so long are not trusted any more: one of them may have been taken back. */
const TRUSTED = 24 * 3_600_000
const TELL_EVERY = 60_000
const MAX_BYTES = 1024 * 1024

/**
 * Returns what finds the key of a token among those that its issuer publishes. They are fetched when they are first needed,
 * and when a token names an unknown one. Throws `KeysUnavailable`, and what `jose` throws of a key that there is not.
 */
export function createPublishedKeys({
  url,
  onFailure,
  now = () => performance.now(),
  timeoutMs = TIMEOUT,
}: PublishedKeysOptions): JWTVerifyGetKey {
  let fetchedAt: number | null = null
  let failedAt = -Infinity
  let toldAt = -Infinity

  async function fetchKeys(address: string, init: RequestInit): Promise<Response> {
    if (now() - failedAt < PAUSE) throw new Error('It has not answered just now.')
    const response = await fetch(address, init)
    return new Response(await within(response, MAX_BYTES), { status: response.status })
  }

  const remote = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: COOLDOWN,
    cacheMaxAge: Infinity,
    [customFetch]: fetchKeys,
  })

  function failed(error: unknown): KeysUnavailable {
    if (now() - failedAt >= PAUSE) failedAt = now()
    const reason = error instanceof Error ? error.message : String(error)
    if (now() - toldAt >= TELL_EVERY) onFailure(reason)
    if (now() - toldAt >= TELL_EVERY) toldAt = now()
    return new KeysUnavailable(reason, { cause: error })
  }

  async function reload(): Promise<void> {
    try {
      await remote.reload()
      fetchedAt = now()
    } catch (error) {
      throw failed(error)
    }
  }

  async function refresh(): Promise<void> {
    const age = fetchedAt === null ? Infinity : now() - fetchedAt
    if (age > TRUSTED) return reload()
    if (age > FRESH && !remote.reloading) void reload().catch(() => {})
  }

  return async (header, token) => {
    await refresh()
    try {
      return await remote(header, token)
    } catch (error) {
      const isOfToken =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported
      throw isOfToken ? error : failed(error)
    }
  }
}

async function within({ body }: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body ?? []) {
    bytes += piece.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}
