import { setImmediate } from 'node:timers/promises'
import { jsonPieces } from '../answer/json-pieces.ts'
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
const dataOf = (data: string): string => `data: ${data}\n\n`

function textOf({ name, data }: StreamEvent): string {
  const json = typeof data === 'string' ? data : JSON.stringify(data)
  return name === undefined ? dataOf(json) : `event: ${name}\n${dataOf(json)}`
}

function send(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
  controller.enqueue(encoder.encode(text))
}

/**
 * Events that come together are sent together, up to so many characters: a client that is slow holds no more of them. A larger one, as
 * the last one of a document of many pages, is written as it is sent.
 */
const MAX_TOGETHER = 32 * 1024

function* textsOf(events: readonly StreamEvent[]): Generator<string, void, undefined> {
  for (const { name, data } of events) {
    yield name === undefined ? 'data: ' : `event: ${name}\ndata: `
    if (typeof data === 'string') yield data
    else yield* jsonPieces(data, MAX_TOGETHER)
    yield '\n\n'
  }
}

/**
 * Proxies close a connection that is silent for a minute (AWS ALB) or more, and clients give up after two (LangChain),
 * whatever comments they are sent.
 */
export const KEEP_ALIVE_MILLISECONDS = 10_000

/**
 * Answers with server-sent events. Pulls the next events only when the client has taken those before,
 * so that a slow client slows the pipeline and does not fill the memory. Sends an empty event after ten seconds of silence.
 */
export function eventStream(events: AsyncIterator<readonly StreamEvent[]>, options: EventStreamOptions): Response {
  const { headers, last, keepAlive, onError, onEnd, leave } = options
  let open = true
  let heartbeat: NodeJS.Timeout | undefined
  const close = (left: boolean): void => {
    clearInterval(heartbeat)
    if (open) onEnd(left)
    open = false
  }
  const next = eventsTogether(events)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        // A client that has data left to read needs none.
        if ((controller.desiredSize ?? 0) > 0) send(controller, textOf(keepAlive()))
      }, KEEP_ALIVE_MILLISECONDS)
    },
    async pull(controller) {
      try {
        const text = await next()
        heartbeat?.refresh()
        if (text !== null) return send(controller, text)
      } catch (thrown) {
        if (leave.signal.aborted) return close(true)
        send(controller, textOf(onError(thrown)))
      }
      if (last !== null) send(controller, dataOf(last))
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

/**
 * Returns what waits for the next event, and writes it with all that come after it before anything else has its turn; null: there is
 * none. Throws what `events` throws, once what came before it was returned.
 */
function eventsTogether(events: AsyncIterator<readonly StreamEvent[]>): () => Promise<string | null> {
  let ahead: Promise<IteratorResult<readonly StreamEvent[]>> | null = null
  /** What is left of those that came together. */
  let together = textsOf([])
  return async function nextTogether() {
    let text = ''
    let othersTurn: Promise<'later'> | null = null
    for (;;) {
      for (let part = together.next(); part.done !== true; part = together.next()) {
        text += part.value
        if (text.length >= MAX_TOGETHER) return text
      }
      ahead ??= events.next()
      // It may fail when nobody waits for it yet.
      ahead.catch(() => {})
      if (text !== '') {
        othersTurn ??= setImmediate('later')
        // What failed is thrown next time.
        const first = await Promise.race([ahead, othersTurn]).catch(() => 'later')
        if (first === 'later') return text
      }
      const { done, value } = await ahead
      if (done === true) return text === '' ? null : text
      ahead = null
      together = textsOf(value)
    }
  }
}
