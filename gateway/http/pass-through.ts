import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { refuseLane } from '../access/access.ts'
import type { GatewayError } from '../errors.ts'
import type { Upstreams } from '../upstream/upstreams.ts'
import type { UsageMeter } from '../usage/meter.ts'
import { createTokenReader, type TokenReader } from '../usage/said-tokens.ts'
import { originHeaders } from './middleware/allow-origins.ts'
import type { PassedOn } from '../request/chat.ts'
import { passedBody } from '../request/passed-body.ts'
import { traceHeaders, withSpan } from '../telemetry/span.ts'
import type { GatewayContext, RequestRecord } from './context.ts'
import type { JsonBody } from './read-json.ts'

/** What passes requests through. */
export interface PassingServices {
  readonly upstreams: Upstreams
  /** Counts the tokens that answers say. */
  readonly usage: Pick<UsageMeter, 'add'>
}

/** A request that is passed through. */
type Passed = Pick<PassedOn, 'model' | 'turn' | 'changed'>

/**
 * Forwards a request unchanged to its model's upstream, and the answer back as it arrives. Uses Node's own streams: for
 * an answer of a few kilobytes, a web `Response` and its stream cost more than everything else together. Throws the refusal
 * of a status with which the upstream does not say what its client should know.
 */
export async function passThrough(
  c: GatewayContext,
  { upstreams, usage }: PassingServices,
  path: string,
  { model, turn, changed }: Passed,
  body: JsonBody,
  refusal: (status: number, model: string) => GatewayError | null = () => null,
): Promise<Response> {
  refuseLane(c.get('caller'), turn?.lane ?? 'interactive')
  const { incoming, outgoing } = c.env
  const { signal } = c.req.raw
  const record = c.get('record')
  record.model = model.id
  const ids = { 'x-request-id': c.get('requestId') }
  const passed = { body: await passedBody(body, { model, changed }), model: model.id, turn }
  const answer = await withSpan(c.get('span'), `chat ${model.id}`, (span) => {
    const headers = { ...incoming.headers, ...ids, ...traceHeaders(span) }
    return upstreams.forward({ method: 'POST', path, headers, ...passed }, signal)
  })
  body.reservation.release()
  const refused = refusal(answer.status, model.id)
  if (refused !== null) {
    answer.body.once('error', () => {}).destroy()
    throw refused
  }
  record.streaming = true
  record.stream = answer.headers['content-type']?.startsWith('text/event-stream') ?? false
  outgoing.writeHead(answer.status, {
    ...withoutOrigins(answer.headers),
    ...originHeaders(c),
    ...c.get('limitHeaders'),
    ...ids,
  })
  // The first token of a stream may take long.
  if (record.stream) outgoing.flushHeaders()
  // Not `stream.pipeline`: its abort controller for each pair costs a tenth of a short request.
  answer.body.once('error', () => {
    if (!signal.aborted) record.errorCode = 'engine_error'
    outgoing.destroy()
  })
  outgoing.once('close', () => {
    const left = !outgoing.writableFinished && record.errorCode === null
    record.end(left ? 499 : answer.status)
  })
  const reader = createTokenReader()
  answer.body.on('data', (chunk: Buffer) => reader.read(chunk))
  answer.body.once('close', () => countTokens(record, reader, usage))
  answer.body.pipe(outgoing)
  return RESPONSE_ALREADY_SENT
}

/** Counts what an upstream says that it took; of one that says nothing, and of an answer that broke off, nothing is known. */
function countTokens({ key, model }: RequestRecord, reader: TokenReader, usage: Pick<UsageMeter, 'add'>): void {
  const tokens = reader.tokens()
  if (model === null || tokens === null) return
  const { promptTokens, completionTokens } = tokens
  usage.add({ key: key ?? '', model }, { promptTokens, completionTokens })
}

/** Leaves out which pages may read an answer: that is the gateway's to say. */
function withoutOrigins(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('access-control-')))
}
