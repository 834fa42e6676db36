import type { GatewayError } from '../errors.ts'
import type { StitchEvent } from '../ocr/stitch.ts'
import type { Reading } from './collect.ts'

/** How one protocol writes the answer to one request, whether it is sent over HTTP or not. */
export interface AnswerWriter {
  /** Whether the client wants the answer in chunks. */
  readonly stream: boolean
  /** Builds the answer in one piece. */
  whole(reading: Reading): object
  /** Builds the chunks of a stream from the events that follow the opened documents. */
  chunks(events: AsyncIterable<StitchEvent>): AsyncGenerator<object, void, undefined>
  /** Builds the chunk of a failure that comes after the first byte. */
  errorChunk(error: GatewayError): object
  /** The data that ends a stream, after its last chunk or its error chunk; null: none. */
  readonly streamEnd: string | null
}
