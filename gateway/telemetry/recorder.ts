// Loaded only where traces go somewhere: see tracer.ts.
import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, Span as RecordedSpan, Tracer } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ClientTrace, Span, SpanAttributes, SpanValue } from './span.ts'

/** Records spans, and sends them to a collector. */
export interface Recorder {
  begin(name: string, kind: 'server' | 'internal', attributes: SpanAttributes, client: ClientTrace | null): Span
  /** Sends what is left, within some seconds. */
  close(): Promise<void>
}

/** Where spans go. */
export interface RecorderOptions {
  readonly url: string
  readonly serviceName: string | null
  /** Told why spans were not sent, or which setting is not understood. */
  readonly onProblem: (problem: string) => void
}

/** How long the end of the process waits for a collector, in milliseconds. */
const CLOSE_WITHIN = 3000

const propagator = new W3CTraceContextPropagator()
const getter = {
  keys: (carrier: Readonly<Record<string, string>>) => Object.keys(carrier),
  get: (carrier: Readonly<Record<string, string>>, key: string) => carrier[key],
}
const setter = {
  set(carrier: Record<string, string>, key: string, value: string) {
    carrier[key] = value
  },
}

/**
 * Creates the recorder. OpenTelemetry's own packages read what else there is to be set from the environment: sampling,
 * headers, how many spans wait. Spans that find the queue full are lost; no request ever waits for a collector.
 */
export function createRecorder({ url, serviceName, onProblem }: RecorderOptions): Recorder {
  const tell = (message: string, ...more: readonly unknown[]): void => onProblem([message, ...more].join(' '))
  diag.setLogger(
    { error: tell, warn: tell, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const named = resourceFromAttributes({ 'service.name': serviceName ?? 'ocr-gateway' })
  const provider = new BasicTracerProvider({
    resource: named.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  })
  const tracer = provider.getTracer('ocr-gateway')
  return {
    begin(name, kind, attributes, client) {
      const parent = client === null ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, client.headers, getter)
      const spanKind = kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL
      return beginSpan(tracer, parent, name, spanKind, attributes)
    },
    async close() {
      const timer = Promise.withResolvers<void>()
      const timeout = setTimeout(timer.resolve, CLOSE_WITHIN)
      await Promise.race([provider.shutdown().catch((error: Error) => onProblem(error.message)), timer.promise])
      clearTimeout(timeout)
    },
  }
}

function beginSpan(tracer: Tracer, parent: Context, name: string, kind: SpanKind, attributes: SpanAttributes): Span {
  const recorded = tracer.startSpan(name, { kind, attributes: said(attributes) }, parent)
  const context = trace.setSpan(parent, recorded)
  return {
    traceId: recorded.spanContext().traceId,
    get headers() {
      const headers: Record<string, string> = {}
      propagator.inject(context, headers, setter)
      return headers
    },
    child: (childName, more = {}, childKind) =>
      beginSpan(tracer, context, childName, childKind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, more),
    rename: (next) => void recorded.updateName(next),
    set: (more) => void recorded.setAttributes(said(more)),
    end: (error = null) => endSpan(recorded, error),
  }
}

function endSpan(recorded: RecordedSpan, error: string | null): void {
  if (!recorded.isRecording()) return
  if (error !== null) recorded.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', error)
  recorded.end()
}

function said(attributes: SpanAttributes): Record<string, SpanValue> {
  const entries = Object.entries(attributes)
  return Object.fromEntries(entries.filter((entry): entry is [string, SpanValue] => entry[1] !== null))
}
