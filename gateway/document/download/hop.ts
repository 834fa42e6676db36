import type { Readable } from 'node:stream'
import type { Client } from 'undici'
import { startTimeLimit } from '../../schedule/time-limit.ts'
import { openClient, type ConnectionRules } from './connection.ts'
import { connectionFailed, downloadFailed } from './failure.ts'

/** What a server answered; disposing it closes its connection. */
export interface Hop extends AsyncDisposable {
  readonly url: URL
  readonly status: number
  /** A header that stands more than once counts as its values, one after the other. */
  header(name: string): string | null
  readonly body: Readable
}

/** Nothing of the client's own request is passed on; some hosts refuse what does not say who it is. */
const HEADERS = {
  accept: 'application/pdf, image/*, */*;q=0.5',
  'accept-encoding': 'identity',
  'user-agent': 'ocr-gateway',
}

/**
 * Asks for a URL, on a connection of its own, and returns when the head of the answer is there. Throws `url_not_allowed`,
 * `download_failed`, also for what does not answer in so many seconds, and the signal's reason.
 */
export async function request(
  url: URL,
  rules: ConnectionRules,
  idleSeconds: number,
  signal: AbortSignal,
): Promise<Hop> {
  const fetched = { url, param: rules.param }
  const silent = (): Error => downloadFailed(fetched, 'did not answer in time', { retry: true })
  using limit = startTimeLimit(idleSeconds * 1000, silent, signal)
  const client = openClient(url, rules, limit.signal)
  try {
    const path = url.pathname + url.search
    const answer = await client.request({ method: 'GET', path, headers: HEADERS, signal: limit.signal })
    return hopOf(client, url, answer)
  } catch (error) {
    await client.destroy()
    limit.signal.throwIfAborted()
    throw connectionFailed(fetched, error)
  }
}

type Answer = Awaited<ReturnType<Client['request']>>

/** Returns an answer to a request as a hop; disposing it closes the client's connection. */
export function hopOf(client: Client, url: URL, { statusCode, headers, body }: Answer): Hop {
  // It is destroyed with the connection, and nobody may be reading it then.
  body.on('error', () => {})
  return {
    url,
    status: statusCode,
    header(name) {
      const value = headers[name] ?? null
      return Array.isArray(value) ? value.join(', ') : value
    },
    body,
    [Symbol.asyncDispose]: () => client.destroy(),
  }
}
