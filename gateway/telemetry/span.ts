/** What is said of a span: numbers, words of closed sets, and names that operators have given. Never text of a document. */
export type SpanAttributes = Readonly<Record<string, SpanValue | null>>

/** A value of an attribute. */
export type SpanValue = string | number | boolean | string[]

/** A piece of work in a trace. Whatever has no span is not traced. */
export interface Span {
  readonly traceId: string
  /** The headers with which another server goes on with the trace. */
  readonly headers: Readonly<Record<string, string>>
  /** Begins a piece of this work; `client`: another server is asked for it. */
  child(name: string, attributes?: SpanAttributes, kind?: 'client'): Span
  rename(name: string): void
  /** Says more; null says nothing. */
  set(attributes: SpanAttributes): void
  /** Ends it, with the code of the error that it ended with; null, or left out: it ended well. May be called twice. */
  end(error?: string | null): void
}

/** A version, a trace and a span that are not all zeros, and flags; a later version may say more (https://www.w3.org/TR/trace-context/). */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/
const MAX_STATE = 512

/** The trace that a client has begun, as its headers say it; null where they say none, or none that is valid. */
export interface ClientTrace {
  readonly traceId: string
  readonly headers: Readonly<Record<string, string>>
}

/** Reads `traceparent` and `tracestate`. */
export function readClientTrace(header: (name: string) => string | undefined): ClientTrace | null {
  const traceparent = header('traceparent')?.trim() ?? ''
  const [, traceId, more] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || (more !== undefined && traceparent.startsWith('00'))) return null
  const tracestate = header('tracestate') ?? ''
  const isSane = /^[\x20-\x7e]+$/.test(tracestate) && tracestate.length <= MAX_STATE
  return { traceId, headers: isSane ? { traceparent, tracestate } : { traceparent } }
}

/** A span of a client's trace of which this gateway records nothing: the trace goes on at the server behind it. */
export function passedSpan({ traceId, headers }: ClientTrace): Span {
  const span: Span = { traceId, headers, child: () => span, rename() {}, set() {}, end() {} }
  return span
}

/** Does a piece of a span's work in a span of its own. */
export function withSpan<Result>(
  parent: Span | undefined,
  name: string,
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  return inSpan(parent?.child(name), work)
}

/** Does the work of a span, and ends it. */
export async function inSpan<Result>(
  span: Span | undefined,
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  try {
    const result = await work(span)
    span?.end()
    return result
  } catch (error) {
    span?.end(errorName(error))
    throw error
  }
}

/** Returns the headers that go on with a trace, in the place of those that a client has sent. */
export function traceHeaders(span: Span | undefined): Readonly<Record<string, string | undefined>> {
  return { traceparent: undefined, tracestate: undefined, ...span?.headers }
}

/** Returns what a span says of an error: its code, or its name. */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
