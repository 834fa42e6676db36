import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import type { UnwrapWebhookEvent } from 'openai/resources/webhooks/webhooks'

/** What a receiver of webhooks was sent. */
export interface ReceivedEvent {
  readonly body: string
  readonly headers: IncomingHttpHeaders
  readonly path: string
}

/** What receives webhooks. */
export interface WebhookReceiver extends AsyncDisposable {
  /** Where events are to be sent. */
  readonly url: string
  /** What was sent, in the order of arrival. */
  readonly received: readonly ReceivedEvent[]
  /** Decides what is answered from now on. */
  answer(how: Answer): void
  /** Settings of a gateway that tells this receiver. */
  readonly settings: Readonly<Record<string, string>>
}

type Answer = (response: ServerResponse, event: ReceivedEvent) => void

/** What signs. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`

/** Checks the signature of an event as the official client does it, and reads it. */
export function unwrapEvent({ body, headers }: ReceivedEvent, secret = WEBHOOK_SECRET): Promise<UnwrapWebhookEvent> {
  const client = new OpenAI({ apiKey: 'none', webhookSecret: secret })
  return client.webhooks.unwrap(body, headers)
}

/** Starts a receiver on a free port; it takes what it is sent, until it is told otherwise. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedEvent[] = []
  let answer: Answer = (response) => response.writeHead(204).end()
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const event = { body: Buffer.concat(pieces).toString(), headers: request.headers, path: request.url ?? '' }
      received.push(event)
      answer(response, event)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/hooks`
  return {
    url,
    received,
    answer: (how) => (answer = how),
    settings: {
      GATEWAY_WEBHOOK_URL: url,
      GATEWAY_WEBHOOK_SECRET: WEBHOOK_SECRET,
      GATEWAY_ALLOWED_URL_HOSTS: `127.0.0.1:${port}`,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
