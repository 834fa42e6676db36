/** A failure in the catalogue: its HTTP status, OpenAI's error type, and whether the same request may succeed later. */
interface ErrorEntry {
  readonly status: number
  readonly type: string
  /** Sent as `x-should-retry`, which official OpenAI clients obey before anything else. */
  readonly retry: boolean
  /** Sent as `Retry-After`, in seconds; clients ignore more than 60. */
  readonly retryAfterSeconds?: number
}

const invalid = (status = 400): ErrorEntry => ({ status, type: 'invalid_request_error', retry: false })

/** Every failure a client can meet, by the `code` it reads. `docs/errors.md` has a section for each. */
export const errorCatalogue = {
  malformed_request: invalid(),
  invalid_json: invalid(),
  invalid_value: invalid(),
  unknown_option: invalid(),
  invalid_base64: invalid(),
  document_unreadable: invalid(),
  document_encrypted: invalid(),
  wrong_password: invalid(),
  document_empty: invalid(),
  page_out_of_range: invalid(),
  too_many_pages: invalid(),
  page_too_large: invalid(),
  page_timeout: invalid(),
  url_not_allowed: invalid(),
  download_failed: invalid(),
  image_not_seen: invalid(),
  invalid_api_key: { status: 401, type: 'authentication_error', retry: false },
  forbidden: { status: 403, type: 'permission_error', retry: false },
  not_found: invalid(404),
  model_not_found: invalid(404),
  file_not_found: invalid(404),
  response_not_found: invalid(404),
  batch_not_found: invalid(404),
  request_timeout: { status: 408, type: 'invalid_request_error', retry: true },
  body_too_large: invalid(413),
  document_too_large: invalid(413),
  unsupported_media_type: invalid(415),
  expectation_failed: invalid(417),
  headers_too_large: invalid(431),
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error', retry: true, retryAfterSeconds: 60 },
  queue_full: { status: 429, type: 'rate_limit_error', retry: true, retryAfterSeconds: 5 },
  client_gone: { status: 499, type: 'client_error', retry: false },
  internal_error: { status: 500, type: 'server_error', retry: true },
  engine_error: { status: 502, type: 'server_error', retry: true },
  engine_unavailable: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 5 },
  draining: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 2 },
  /** Redis, or the storage of files that replicas share, does not answer. */
  storage_unavailable: { status: 503, type: 'server_error', retry: true, retryAfterSeconds: 5 },
  /** Not to be tried again: somebody has to make room first. */
  storage_full: { status: 507, type: 'server_error', retry: false },
  engine_timeout: { status: 504, type: 'server_error', retry: true, retryAfterSeconds: 5 },
} as const satisfies Record<string, ErrorEntry>

/** The machine-readable name of a failure. */
export type ErrorCode = keyof typeof errorCatalogue

/** Returns the catalogue's entry for a code. */
export function errorEntry(code: ErrorCode): ErrorEntry {
  return errorCatalogue[code]
}

/**
 * Tells failures of one code apart where the gateway must; clients never see it. `too_long`: the page does not fit the
 * model's context. `image_too_long`: its image does not fit the encoder of one upstream. `too_many_bytes`: a server
 * before the engine refuses so large a body. `image_forgotten`: the engine lost an image that it had seen before.
 * `outage`: no upstream has served the model for longer than pages wait. `no_connection`: the gateway could not connect
 * to an upstream. `exhausted`: the document took the time or the memory that it may take, or broke what draws it.
 */
export type ErrorKind =
  'too_long' | 'image_too_long' | 'too_many_bytes' | 'image_forgotten' | 'outage' | 'no_connection' | 'exhausted'

/** What a GatewayError may carry beside its code and message. */
export interface ErrorDetails {
  /** The request field at fault, as a path: `messages[0].content[1].file.file_data`. */
  readonly param?: string | undefined
  /** What the log needs and the caller must not see. */
  readonly cause?: unknown
  /** Overrides the catalogue where the same code is sometimes worth a retry and sometimes not. */
  readonly retry?: boolean
  readonly retryAfterSeconds?: number | undefined
  readonly kind?: ErrorKind | undefined
  /** Of a page image that was too long: the share of its tokens that fits. */
  readonly tokenShare?: number | undefined
}

/** A failure the caller may read: `message` says what went wrong and what to do; `cause` is for the log alone. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly param: string | null
  readonly retry: boolean
  readonly retryAfterSeconds: number | undefined
  readonly kind: ErrorKind | null
  readonly tokenShare: number | null

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'GatewayError'
    const entry = errorEntry(code)
    this.code = code
    this.param = details.param ?? null
    this.retry = details.retry ?? entry.retry
    this.retryAfterSeconds =
      details.retryAfterSeconds ?? (details.retry === false ? undefined : entry.retryAfterSeconds)
    this.kind = details.kind ?? null
    this.tokenShare = details.tokenShare ?? null
  }

  get status(): number {
    return errorEntry(this.code).status
  }
}

/** Returns the same failure in other words, or with another field at fault. */
export function reworded(error: GatewayError, message: string, param = error.param ?? undefined): GatewayError {
  const { code, cause, retry, retryAfterSeconds, kind } = error
  return new GatewayError(code, message, { param, cause, retry, retryAfterSeconds, kind: kind ?? undefined })
}

/** Returns the error that a caller may read: the thrown one, or an `internal_error` with this message around anything else. */
export function toGatewayError(thrown: unknown, message: string): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError('internal_error', message, { cause: thrown })
}
