import { createMiddleware } from 'hono/factory'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { errorBody, unitedErrorBody } from '../answer/error.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { GatewayContext, GatewayEnv } from './context.ts'

/** Turns a thrown value into the error that the caller may read; anything but a GatewayError becomes a plain 500. */
export function asGatewayError(thrown: unknown, signal: AbortSignal): GatewayError {
  // An error that follows because the client left is no failure of the gateway, and must not raise alarms.
  if (signal.aborted) return new GatewayError('client_gone', 'The client closed the request.', { cause: thrown })
  return toGatewayError(thrown, 'The gateway failed. Its log says why, under this request id.')
}

/** Logs an error with its cause, and notes its code for the access log. */
export function reportError(c: GatewayContext, error: GatewayError, metrics: Metrics): void {
  c.get('record').errorCode = error.code
  metrics.errors.inc({ code: error.code })
  if (error.status >= 500) c.get('log').error({ code: error.code, err: error.cause ?? error }, error.message)
}

/**
 * Turns any other thrown value into an Error. Hono passes only Errors to `onError`, but when a client leaves,
 * node-server aborts its request with a string: thrown as it is, the request would be missing in the log and in the
 * metrics.
 */
export function throwErrors() {
  return createMiddleware<GatewayEnv>(async function throwErrors(_, next) {
    try {
      await next()
    } catch (thrown) {
      throw thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
    }
  })
}

/** Creates the error handler: the only place where a thrown value becomes a response. */
export function errorResponse(metrics: Metrics) {
  return function errorResponse(thrown: unknown, c: GatewayContext): Response {
    const error = asGatewayError(thrown, c.req.raw.signal)
    reportError(c, error, metrics)
    c.header('x-should-retry', String(error.retry))
    if (error.retryAfterSeconds !== undefined) c.header('retry-after', String(error.retryAfterSeconds))
    // No "Connection: close" for a body that is left unread: Node would close at once, and a client that is still sending
    // would read a reset in place of the answer. node-server reads on for half a second, and closes then.
    return c.json(readsMistral(c) ? unitedErrorBody(error) : errorBody(error), error.status as ContentfulStatusCode)
  }
}

/**
 * Tells whether a client may read errors in Mistral's form alone. The AI SDK's provider for Mistral chats, too; all that it
 * says of itself is that it is the AI SDK, whose other providers read either form.
 */
function readsMistral(c: GatewayContext): boolean {
  return MISTRAL_PATH.test(c.req.path) || /\bai-sdk\b/.test(c.req.header('user-agent') ?? '')
}

/** What Mistral's clients ask for, and clients of documents that read its errors; OpenAI's use some of it too. */
const MISTRAL_PATH = /^(?:\/v1)?\/(?:ocr|files|uploads|process)(?:\/|$)/
