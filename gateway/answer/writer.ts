import type { GatewayError } from '../errors.ts'
import type { StitchEvent } from '../ocr/stitch.ts'
import type { Reading } from './collect.ts'

/** How one protocol writes the answer to one request. It knows no HTTP: a batch writes with it as well. */
export interface AnswerWriter {
  /** Whether the client wants the answer in chunks. */
  readonly stream: boolean
  /** Builds the answer in one piece. */
  whole(reading: Reading): object
  /** Builds the chunks of a stream from what the pipeline tells once the documents are open. */
  chunks(events: AsyncIterable<StitchEvent>): AsyncGenerator<object, void, undefined>
  /** Builds the chunk of a failure that comes after the first byte. */
  errorChunk(error: GatewayError): object
  /** What ends a stream, after its last chunk or its failure; null: nothing. */
  readonly streamEnd: string | null
}
