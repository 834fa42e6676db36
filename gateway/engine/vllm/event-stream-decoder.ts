import { createParser } from 'eventsource-parser'
import { GatewayError } from '../../errors.ts'
import { isTooDense } from './json-density.ts'

/** The data of the last event of a stream: https://platform.openai.com/docs/api-reference/chat-streaming */
const END_OF_STREAM = '[DONE]'

/**
 * The most characters that are held for one unfinished event. A chunk with every log probability has a few thousand.
 */
const MAX_EVENT_CHARACTERS = 1 << 20

/** Decodes a stream read by read. */
export interface EventStreamDecoder {
  /**
   * Returns the events that a read has completed: a burst of tokens stays one step for everyone downstream. Nothing after `[DONE]` counts. Throws
   * `engine_error` for an event that is not JSON or longer than a megabyte. The error never quotes the event: it is a page's text.
   */
  feed(bytes: Uint8Array): readonly unknown[]
  /** Whether it has come to `[DONE]`. */
  readonly isDone: boolean
}

/**
 * Creates what decodes the bytes of a server-sent event stream into the JSON values that its events carry. An event without its closing
 * blank line is no event. Calls `onEvent` with the length of an event before it is parsed; what that throws ends the stream.
 */
export function createEventStreamDecoder(onEvent: (length: number) => void = () => {}): EventStreamDecoder {
  let events: unknown[] = []
  let isDone = false
  let count = 0
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent({ data }) {
      count += 1
      if (data === END_OF_STREAM) isDone = true
      if (isDone) return
      onEvent(data.length)
      events.push(parseEvent(data, count))
    },
    onError({ type }) {
      // Lines that are no field are ignored, as in browsers; only an event that exceeds the buffer is an error.
      if (type === 'max-buffer-size-exceeded')
        throw unreadable('an event of more than a megabyte', `event ${count + 1}`)
    },
  })
  const decoder = new TextDecoder()
  return {
    feed(bytes) {
      events = []
      if (!isDone) parser.feed(decoder.decode(bytes, { stream: true }))
      return events
    },
    get isDone() {
      return isDone
    },
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
