import type { LiveResponse } from '../responses/live.ts'
import type { Responses } from '../responses/responses.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { GatewayContext } from './context.ts'
import { asGatewayError, reportError } from './error-response.ts'
import { eventStream } from './event-stream.ts'

/** The services that follow background responses. */
export interface FollowServices {
  readonly responses: Responses
  readonly metrics: Metrics
}

/** Answers with the events of a background response. It goes on when its client leaves. */
export function followed(
  c: GatewayContext,
  { metrics }: Pick<FollowServices, 'metrics'>,
  follow: (signal: AbortSignal) => LiveResponse,
): Response {
  const leave = new AbortController()
  const live = follow(AbortSignal.any([c.req.raw.signal, leave.signal]))
  const record = c.get('record')
  Object.assign(record, { stream: true, streaming: true })
  return eventStream(live.events, {
    headers: { 'x-request-id': c.get('requestId') },
    last: null,
    keepAlive: () => live.keepAlive(),
    leave,
    onError(thrown) {
      const error = asGatewayError(thrown, c.req.raw.signal)
      reportError(c, error, metrics)
      return live.errorEvent(error)
    },
    onEnd: (left) => record.end(left ? 499 : 200),
  })
}
