import { refuseLane } from '../access/access.ts'
import { collect } from '../answer/collect.ts'
import { prime } from '../answer/prime.ts'
import type { AnswerWriter } from '../answer/writer.ts'
import { answerEvents, type AnswerEvents } from '../ocr/answer-events.ts'
import { cacheOutcome, countPages } from '../ocr/ledger.ts'
import type { OcrServices } from '../ocr/ocr.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { GatewayContext, RequestRecord } from './context.ts'
import { asGatewayError, reportError } from './error-response.ts'
import { eventStream, KEEP_ALIVE_MILLISECONDS } from './event-stream.ts'
import { sendJson } from './send-json.ts'

/**
 * Reads the documents of a request in any protocol, and answers with what its writer writes. Calls `onOpened` when all of
 * them are open: what came with the request is not held any more.
 */
export async function answerOcr(
  c: GatewayContext,
  services: OcrServices,
  request: OcrRequest,
  writer: AnswerWriter,
  onOpened: () => void,
): Promise<Response> {
  refuseLane(c.get('caller'), request.turn.lane)
  const record = c.get('record')
  record.model = request.model.id
  record.stream = writer.stream
  record.documents = request.sources.length
  const leave = new AbortController()
  const signal = AbortSignal.any([c.req.raw.signal, leave.signal])
  const events = recorded(answerEvents(request, services, signal), record, onOpened)
  return writer.stream ? streamed(c, events, writer, leave, services) : whole(c, events, writer)
}

async function whole(c: GatewayContext, events: AnswerEvents, writer: AnswerWriter): Promise<Response> {
  const reading = await collect(events)
  const { pages, cachedPages } = countPages(reading.ledger)
  c.header('x-cache', cacheOutcome(cachedPages, pages))
  return sendJson(c, await writer.whole(reading))
}

async function streamed(
  c: GatewayContext,
  events: AnswerEvents,
  writer: AnswerWriter,
  leave: AbortController,
  { metrics }: OcrServices,
): Promise<Response> {
  const { opened, rest } = await prime(events, KEEP_ALIVE_MILLISECONDS, leave.signal)
  const { pages, cachedPages } = opened
  const record = c.get('record')
  Object.assign(record, { streaming: true, pages, cachedPages })
  return eventStream(writer.events(rest), {
    headers: {
      'x-request-id': c.get('requestId'),
      'x-cache': cacheOutcome(cachedPages, pages),
      'x-ocr-pages': String(pages),
    },
    last: writer.streamEnd,
    keepAlive: () => writer.keepAlive(),
    leave,
    onError(thrown) {
      const error = asGatewayError(thrown, c.req.raw.signal)
      reportError(c, error, metrics)
      return writer.errorEvent(error)
    },
    onEnd: (left) => record.end(left ? 499 : 200),
  })
}

/** Passes events on, notes the counts of pages for the access log, and says when all documents are open. */
async function* recorded(events: AnswerEvents, record: RequestRecord, onOpened: () => void): AnswerEvents {
  for await (const together of events) {
    for (const event of together) {
      if (event.type === 'document-open') onOpened()
      if (event.type === 'end') Object.assign(record, countPages(event.ledger))
    }
    yield together
  }
}
