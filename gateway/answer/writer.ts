import type { GatewayError } from '../errors.ts'
import type { StitchEvent } from '../ocr/stitch.ts'
import type { Reading } from './collect.ts'
import { unitedErrorBody } from './error.ts'

/** One event of a streamed answer. */
export interface StreamEvent {
  /** What a protocol that tells its events apart calls this one. */
  readonly name?: string
  /** An object, or its JSON where that is written already. */
  readonly data: object | string
}

/** The events of a streamed answer, those together that come together. */
export type StreamEvents = AsyncGenerator<readonly StreamEvent[], void, undefined>

/** How one protocol writes the answer to one request, whether it is sent over HTTP or not. */
export interface AnswerWriter {
  /** Whether the client wants the answer as a stream. */
  readonly stream: boolean
  /** Builds the answer in one piece; where that may take long, others have their turn meanwhile. */
  whole(reading: Reading): object | Promise<object>
  /** Builds the stream from the pipeline's events that follow the opened documents; what comes together stays together. */
  events(events: AsyncIterable<readonly StitchEvent[]>): StreamEvents
  /** Builds an event that says nothing: it keeps clients waiting that give up on a silent stream. */
  keepAlive(): StreamEvent
  /** Builds the event of a failure that comes after the first byte. */
  errorEvent(error: GatewayError): StreamEvent
  /** The data that ends a stream, after its last event or its failure; null: none. */
  readonly streamEnd: string | null
}

/** Creates the writer of an answer that is never a stream. */
export function wholeWriter(whole: AnswerWriter['whole']): AnswerWriter {
  return {
    stream: false,
    whole,
    events() {
      throw new Error('This answer is no stream.')
    },
    keepAlive: () => ({ data: {} }),
    errorEvent: (error) => ({ data: unitedErrorBody(error) }),
    streamEnd: null,
  }
}
