import { collect } from '../answer/collect.ts'
import { prime } from '../answer/prime.ts'
import type { AnswerWriter } from '../answer/writer.ts'
import { dryRun } from '../ocr/dry-run.ts'
import { cacheOutcome, countPages } from '../ocr/ledger.ts'
import { ocr, type OcrServices } from '../ocr/ocr.ts'
import { stitch, type StitchEvent } from '../ocr/stitch.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { GatewayContext, RequestRecord } from './context.ts'
import { asGatewayError, reportError } from './error-response.ts'
import { eventStream, KEEP_ALIVE_MILLISECONDS } from './event-stream.ts'

type Events = AsyncGenerator<StitchEvent, void, undefined>

/** Reads the documents of a request in any protocol, and answers with what its writer writes. */
export async function answerOcr(
  c: GatewayContext,
  services: OcrServices,
  request: OcrRequest,
  writer: AnswerWriter,
): Promise<Response> {
  const record = c.get('record')
  record.model = request.model.id
  record.stream = writer.stream
  record.documents = request.sources.length
  const leave = new AbortController()
  const signal = AbortSignal.any([c.req.raw.signal, leave.signal])
  const results = request.dryRun ? dryRun(request, services, signal) : stitch(ocr(request, services, signal), request)
  const events = recorded(results, record)
  return writer.stream ? streamed(c, events, writer, leave, services) : whole(c, events, writer)
}

async function whole(c: GatewayContext, events: Events, writer: AnswerWriter): Promise<Response> {
  const reading = await collect(events)
  const { pages, cachedPages } = countPages(reading.ledger)
  c.header('x-cache', cacheOutcome(cachedPages, pages))
  return c.json(writer.whole(reading))
}

async function streamed(
  c: GatewayContext,
  events: Events,
  writer: AnswerWriter,
  leave: AbortController,
  { metrics }: OcrServices,
): Promise<Response> {
  const { opened, rest } = await prime(events, KEEP_ALIVE_MILLISECONDS)
  const { pages, cachedPages } = opened
  const record = c.get('record')
  Object.assign(record, { streaming: true, pages, cachedPages })
  return eventStream(writer.chunks(rest), {
    headers: { 'x-request-id': c.get('requestId'), 'x-cache': cacheOutcome(cachedPages, pages) },
    last: writer.streamEnd,
    leave,
    onError(thrown) {
      const error = asGatewayError(thrown, c.req.raw.signal)
      reportError(c, error, metrics)
      return writer.errorChunk(error)
    },
    onEnd: (left) => record.end(left ? 499 : 200),
  })
}

/** Passes events on, and notes the counts of pages for the access log. */
async function* recorded(events: Events, record: RequestRecord): Events {
  for await (const event of events) {
    if (event.type === 'end') Object.assign(record, countPages(event.ledger))
    yield event
  }
}
