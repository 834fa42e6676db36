import type { StitchEvent } from '../ocr/stitch.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { ResponseEvent } from '../wire/openai/response-events.ts'
import type { ResponseObject } from '../wire/openai/response.ts'
import { readResponseObject, type ResponseHead } from './response.ts'
import { createResponseStream, streamEvent, type ResponseStep, type ResponseStream } from './response-stream.ts'
import type { AnswerWriter, StreamEvent, StreamEvents } from './writer.ts'

/** Creates the writer of a response that its client waits for: one object, or events. `onDone` is told of it when it is done. */
export function responseWriter(
  request: OcrRequest,
  head: ResponseHead,
  onDone: (response: ResponseObject) => void,
): AnswerWriter {
  const stream = createResponseStream(head)
  const failed = (error: Extract<ResponseStep, { type: 'failed' }>['error']): StreamEvent[] =>
    stream.next({ type: 'failed', error }).map(streamEvent)
  return {
    stream: head.answer.stream,
    whole(reading) {
      const response = readResponseObject(head, reading, request)
      onDone(response)
      return response
    },
    events: (events) => responseEvents(events, request, head, stream, onDone),
    keepAlive: () => streamEvent(stream.keepAlive()),
    errorEvent: (error) => failed(error)[0] ?? { data: {} },
    streamEnd: null,
  }
}

async function* responseEvents(
  events: AsyncIterable<readonly StitchEvent[]>,
  request: OcrRequest,
  head: ResponseHead,
  stream: ResponseStream,
  onDone: (response: ResponseObject) => void,
): StreamEvents {
  yield [...stream.next({ type: 'created' }), ...stream.next({ type: 'begun' })].map(streamEvent)
  let content = ''
  const written = (event: StitchEvent): ResponseEvent[] => {
    if (event.type === 'text') {
      content += event.text
      return stream.next(event)
    }
    if (event.type !== 'end') return []
    const response = readResponseObject(head, { content, ledger: event.ledger }, request)
    onDone(response)
    return stream.next({ type: 'done', response })
  }
  for await (const together of events) yield together.flatMap(written).map(streamEvent)
}
