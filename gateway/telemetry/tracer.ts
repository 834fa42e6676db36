import type { Log } from './log.ts'
import { passedSpan, readClientTrace, type Span, type SpanAttributes } from './span.ts'
import type { Recorder } from './recorder.ts'

/** Begins traces. */
export interface Tracer {
  /** Resolves when traces are recorded, or it is known that they are not. */
  readonly ready: Promise<void>
  /** Begins the span of a request, in the trace of its client; undefined: there is none. */
  request(name: string, header: (name: string) => string | undefined): Span | undefined
  /** Begins the span of work that no client waits for. */
  background(name: string, attributes: SpanAttributes): Span | undefined
  /** Sends what is left, within some seconds. */
  close(): Promise<void>
}

/** Where traces go. */
export interface TracerOptions {
  /** The collector's, with its path; null: nowhere. */
  readonly url: string | null
  readonly serviceName: string | null
  readonly log: Log
}

/**
 * Creates the tracer. The packages that record are loaded only where traces go somewhere. Where they do not, a client's
 * trace is passed on all the same.
 */
export function createTracer({ url, serviceName, log }: TracerOptions): Tracer {
  let recorder: Recorder | null = null
  const load = async (address: string): Promise<void> => {
    const { createRecorder } = await import('./recorder.ts')
    recorder = createRecorder({ url: address, serviceName, onProblem: tellOnce(log) })
  }
  const ready =
    url === null
      ? Promise.resolve()
      : load(url).catch((error: unknown) => log.error({ err: error }, 'traces are not recorded'))
  return {
    ready,
    request(name, header) {
      const client = readClientTrace(header)
      if (recorder !== null) return recorder.begin(name, 'server', {}, client)
      return client === null ? undefined : passedSpan(client)
    },
    background: (name, attributes) => recorder?.begin(name, 'internal', attributes, null),
    async close() {
      await ready
      await recorder?.close()
    },
  }
}

/** How long nothing more is said of a collector that does not answer, in milliseconds. */
const QUIET = 60_000
/** What is said of it, in characters: with the stack of an error it would be pages. */
const MAX_PROBLEM = 500

function tellOnce(log: Log): (problem: string) => void {
  let toldAt = -Infinity
  return (problem) => {
    if (performance.now() - toldAt < QUIET) return
    toldAt = performance.now()
    log.warn(
      { problem: problem.slice(0, MAX_PROBLEM) },
      'traces are lost: OTEL_EXPORTER_OTLP_ENDPOINT does not take them',
    )
  }
}
