import { createParser } from 'eventsource-parser'
import { GatewayError } from '../../errors.ts'
import { isTooDense } from './json-density.ts'

/** The data of the last event of a stream: https://platform.openai.com/docs/api-reference/chat-streaming */
const END_OF_STREAM = '[DONE]'

/**
 * The most characters that are held for one unfinished event. A chunk with every log probability has a few thousand.
 */
const MAX_EVENT_CHARACTERS = 1 << 20

/** Who is told of a stream's events. */
export interface EventStreamListener {
  readonly onDone?: () => void
  /** May throw, which ends the stream. */
  readonly onEvent?: (length: number) => void
}

/**
 * Decodes the bytes of a server-sent event stream into the JSON values that its events carry. Yields one array for each
 * read that completed an event, so that a burst of tokens stays one step for everyone downstream. Ends at `[DONE]`
 * without reading further, after it has called `onDone`, or where the bytes end; an event without its closing blank
 * line is no event. Calls `onEvent` with the length of an event before it is parsed.
 *
 * Throws `engine_error` for an event that is not JSON or longer than a megabyte. The error never quotes the event: it is
 * a page's text.
 */
export async function* decodeEventStream(
  bytes: AsyncIterable<Uint8Array>,
  { onDone, onEvent }: EventStreamListener = {},
): AsyncGenerator<unknown[], void, undefined> {
  let events: unknown[] = []
  let ended = false
  let count = 0
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent({ data }) {
      count += 1
      if (data === END_OF_STREAM) ended = true
      if (ended) return
      onEvent?.(data.length)
      events.push(parseEvent(data, count))
    },
    onError({ type }) {
      // Lines that are no field are ignored, as in browsers; only an event that exceeds the buffer is an error.
      if (type === 'max-buffer-size-exceeded')
        throw unreadable('an event of more than a megabyte', `event ${count + 1}`)
    },
  })
  const decoder = new TextDecoder()
  for await (const read of bytes) {
    parser.feed(decoder.decode(read, { stream: true }))
    if (ended) onDone?.()
    if (events.length > 0) yield events
    if (ended) return
    events = []
  }
}

function parseEvent(data: string, number: number): unknown {
  if (isTooDense(data))
    throw unreadable('an event of far too many parts', `event ${number}, of ${data.length} characters`)
  try {
    return JSON.parse(data)
  } catch {
    // Node's own message quotes the text.
    throw unreadable('an event that is not JSON', `event ${number}, of ${data.length} characters`)
  }
}

/** Returns what to throw for an answer that cannot be read; `place` is for the log. */
export function unreadable(what: string, place: string): GatewayError {
  return new GatewayError('engine_error', `The engine's answer held ${what}. Try again; if it lasts, see its log.`, {
    cause: new Error(`an unreadable answer: ${place}`),
  })
}
