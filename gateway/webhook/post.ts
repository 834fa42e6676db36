import { Webhook } from 'standardwebhooks'
import { openClient } from '../document/download/connection.ts'
import type { ListedHost } from '../document/download/address.ts'
import { describeFailure } from '../document/download/failure.ts'
import type { Resolve } from '../document/download/resolve.ts'
import { GatewayError } from '../errors.ts'
import { startTimeLimit } from '../schedule/time-limit.ts'
import type { WebhookPayload } from '../wire/openai/webhook.ts'
import type { WebhookEvent } from './event.ts'
import type { ClaimedEvent } from './outbox.ts'
import { retryAfterSeconds } from './retry.ts'
import { NOT_PUBLIC } from './target.ts'

/** Where events are sent, and how they are signed. */
export interface PostOptions {
  readonly url: URL
  /** Each signs; a receiver needs one of them. */
  readonly secrets: readonly string[]
  /** Hosts that may be private. */
  readonly listed: readonly ListedHost[]
  readonly resolve: Resolve
  /** How long the receiver may take to answer. */
  readonly timeoutSeconds: number
}

/** What a receiver made of an event. */
export type Posted =
  | { readonly kind: 'taken' }
  /** It wants this event no more. */
  | { readonly kind: 'gone'; readonly problem: string }
  | { readonly kind: 'failed'; readonly problem: string; readonly retryAfterSeconds: number | null }

/** Sends an event to the receiver. Throws nothing but the signal's reason. */
export type Post = (claimed: Pick<ClaimedEvent, 'event' | 'at'>, signal: AbortSignal) => Promise<Posted>

/** What is read of an answer at most, in bytes and milliseconds: its status says all, and a connection is ended politely. */
const READ = { limit: 16_384, milliseconds: 1000 }

/** Returns what sends events, as https://www.standardwebhooks.com and OpenAI's clients say. */
export function createPost(options: PostOptions): Post {
  const signers = options.secrets.map((secret) => new Webhook(secret))
  return async ({ event, at: sentAt }, signal) => {
    const body = JSON.stringify(payloadOf(event))
    const at = new Date(sentAt)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'ocr-gateway',
      'webhook-id': event.id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signers.map((signer) => signer.sign(event.id, at, body)).join(' '),
    }
    try {
      return await send(body, headers, options, signal)
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'failed', problem: problemOf(error, options), retryAfterSeconds: null }
    }
  }
}

function payloadOf({ id, type, objectId, createdAt }: WebhookEvent): WebhookPayload {
  return { id, object: 'event', created_at: createdAt, type, data: { id: objectId } }
}

class Late extends Error {}

async function send(
  body: string,
  headers: Readonly<Record<string, string>>,
  { url, listed, resolve, timeoutSeconds }: PostOptions,
  signal: AbortSignal,
): Promise<Posted> {
  using limit = startTimeLimit(timeoutSeconds * 1000, () => new Late(), signal)
  const client = openClient(url, { listed, resolve, param: '' }, limit.signal)
  try {
    const path = url.pathname + url.search
    const answer = await client.request({ method: 'POST', path, headers, body, signal: limit.signal })
    await answer.body.dump({ limit: READ.limit, signal: AbortSignal.timeout(READ.milliseconds) }).catch(() => {})
    return postedOf(answer.statusCode, [answer.headers['retry-after']].flat()[0] ?? null)
  } catch (error) {
    limit.signal.throwIfAborted()
    throw error
  } finally {
    await client.destroy()
  }
}

const GONE = 410

function postedOf(status: number, retryAfter: string | null): Posted {
  if (status >= 200 && status < 300) return { kind: 'taken' }
  if (status === GONE) return { kind: 'gone', problem: 'answered with status 410: it does not want this event' }
  const isRedirect = status >= 300 && status < 400
  const advice = isRedirect ? ', and redirects are not followed: GATEWAY_WEBHOOK_URL must name the address itself' : ''
  return {
    kind: 'failed',
    problem: `answered with status ${status}${advice}`,
    retryAfterSeconds: retryAfterSeconds(retryAfter, Date.now()),
  }
}

function problemOf(error: unknown, { timeoutSeconds }: PostOptions): string {
  if (error instanceof Late) return `did not answer within ${timeoutSeconds} seconds`
  return error instanceof GatewayError ? NOT_PUBLIC : describeFailure(error).what
}
