import type { StreamEvent } from '../answer/writer.ts'

/** How a stream of events begins, ends and fails. */
export interface EventStreamOptions {
  readonly headers: Readonly<Record<string, string>>
  /** The data of one more event, after the last event or the failure; null: none. */
  readonly last: string | null
  /** Builds an event that says nothing. */
  readonly keepAlive: () => StreamEvent
  /** Turns a failure after the first byte into an event. */
  readonly onError: (thrown: unknown) => StreamEvent
  /** Called once, when the last byte was sent or the client has left. */
  readonly onEnd: (left: boolean) => void
  /** Aborted when the client leaves. */
  readonly leave: AbortController
}

const encoder = new TextEncoder()
const encodeData = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`)

function encode({ name, data }: StreamEvent): Uint8Array {
  const json = JSON.stringify(data)
  return name === undefined ? encodeData(json) : encoder.encode(`event: ${name}\ndata: ${json}\n\n`)
}

/**
 * Proxies close a connection that is silent for a minute (AWS ALB) or more, and clients give up after two (LangChain),
 * whatever comments they are sent.
 */
export const KEEP_ALIVE_MILLISECONDS = 10_000

/**
 * Answers with server-sent events. Pulls the next event only when the client has taken the one before,
 * so that a slow client slows the pipeline and does not fill the memory. Sends an empty event after ten seconds of silence.
 */
export function eventStream(events: AsyncIterator<StreamEvent>, options: EventStreamOptions): Response {
  const { headers, last, keepAlive, onError, onEnd, leave } = options
  let open = true
  let heartbeat: NodeJS.Timeout | undefined
  const close = (left: boolean): void => {
    clearInterval(heartbeat)
    if (open) onEnd(left)
    open = false
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        // A client that has data left to read needs none.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encode(keepAlive()))
      }, KEEP_ALIVE_MILLISECONDS)
    },
    async pull(controller) {
      try {
        const next = await events.next()
        heartbeat?.refresh()
        if (next.done !== true) return controller.enqueue(encode(next.value))
      } catch (thrown) {
        if (leave.signal.aborted) return close(true)
        controller.enqueue(encode(onError(thrown)))
      }
      if (last !== null) controller.enqueue(encodeData(last))
      controller.close()
      close(false)
    },
    async cancel(reason) {
      leave.abort(reason)
      close(true)
      await events.return?.()
    },
  })
  return new Response(body, {
    headers: {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // nginx would otherwise collect the stream into buffers.
      'x-accel-buffering': 'no',
    },
  })
}
