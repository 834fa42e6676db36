import { APIConnectionError, APIError } from 'openai'
import { CommandError, DocumentError, EXIT } from './say.ts'

/** What a failure means for what is done next. */
export type Failure =
  /** This document cannot be read as it is. */
  | { readonly kind: 'document'; readonly code: string; readonly message: string }
  /** Nothing can be read: every other document would meet the same. */
  | { readonly kind: 'all'; readonly error: CommandError }
  /** `away`: the gateway, or all engines behind it; `busy`: it has asked to wait; `hitch`: worth some more tries. */
  | {
      readonly kind: 'away' | 'busy' | 'hitch'
      readonly code: string
      readonly message: string
      readonly afterSeconds: number | null
    }

const AWAY = new Set(['draining', 'engine_unavailable', 'storage_unavailable'])
const BUSY = new Set(['queue_full', 'rate_limit_exceeded'])
const HITCH = new Set(['engine_error', 'engine_timeout', 'internal_error', 'request_timeout', 'file_not_found'])
const NOBODY_MAY = new Set(['invalid_api_key', 'forbidden'])

/** The gateway is there, and what it needs is not. */
export class AwayError extends Error {}

/** Says what a failed request means. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof AwayError) return again('away', 'engine_unavailable', thrown.message, null)
  if (thrown instanceof DocumentError) return { kind: 'document', code: thrown.code, message: thrown.message }
  if (thrown instanceof CommandError) return { kind: 'all', error: thrown }
  if (thrown instanceof APIConnectionError) return again('away', 'gateway_unreachable', causeOf(thrown), null)
  if (!(thrown instanceof APIError)) return failureOfStream(thrown)
  const code = codeOf(thrown)
  const message = messageOf(thrown)
  if (NOBODY_MAY.has(code)) return { kind: 'all', error: new CommandError(EXIT.usage, refusal(message)) }
  if (code === 'model_not_found' || code === 'not_found' || code === 'storage_full')
    return { kind: 'all', error: new CommandError(EXIT.usage, message) }
  const afterSeconds = Number(thrown.headers?.get('retry-after') ?? NaN) || null
  if (AWAY.has(code)) return again('away', code, message, afterSeconds)
  if (BUSY.has(code)) return again('busy', code, message, afterSeconds)
  if (HITCH.has(code)) return again('hitch', code, message, afterSeconds)
  return failureOfStatus(thrown, code, message)
}

/** What stands between, a proxy perhaps, knows none of the gateway's codes. */
function failureOfStatus({ status }: APIError, code: string, message: string): Failure {
  if (status === 401 || status === 403) return { kind: 'all', error: new CommandError(EXIT.usage, refusal(message)) }
  if (status === 429) return again('busy', code, message, null)
  if (status === 502 || status === 503 || status === 504) return again('away', code, message, null)
  if (status !== undefined && status >= 500) return again('hitch', code, message, null)
  return { kind: 'document', code, message }
}

function refusal(message: string): string {
  return `The gateway refuses the key: ${message} Set OPENAI_API_KEY to one of its keys.`
}

/** A body that breaks off has the errors of sockets, and not those of the client. */
function failureOfStream(thrown: unknown): Failure {
  const { code, cause } = Object(thrown) as { readonly code?: unknown; readonly cause?: unknown }
  const { code: causeCode } = Object(cause) as { readonly code?: unknown }
  const isSocket = [code, causeCode].some(
    (each) => typeof each === 'string' && /^(UND_ERR|ECONN|EPIPE|ETIMEDOUT)/.test(each),
  )
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (isSocket || message === 'terminated') {
    return again('away', 'gateway_unreachable', 'the gateway has broken off in the middle of an answer', null)
  }
  return { kind: 'document', code: 'client_error', message }
}

function again(kind: 'away' | 'busy' | 'hitch', code: string, message: string, afterSeconds: number | null): Failure {
  return { kind, code, message, afterSeconds }
}

function codeOf({ code, error }: APIError): string {
  const { code: inner } = Object(error) as { readonly code?: unknown }
  return code ?? (typeof inner === 'string' ? inner : 'unknown_error')
}

/** The client writes the status, or that it knows none, before the gateway's own words. */
function messageOf({ error, message, status }: APIError): string {
  const { message: inner } = Object(error) as { readonly message?: unknown }
  if (typeof inner === 'string') return inner
  return status === undefined ? message : `HTTP ${message}`
}

function causeOf(error: APIConnectionError): string {
  let inner: unknown = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  const { code, message } = inner as NodeJS.ErrnoException
  return code ?? message
}
