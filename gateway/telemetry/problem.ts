/** Why there are no traces, in the words of the log. */
export interface Problem {
  readonly message: string
  readonly reason: string
}

const NOT_TAKEN = 'traces are lost: OTEL_EXPORTER_OTLP_ENDPOINT does not take them'
const QUEUE_FULL = 'traces are lost: more spans ended at once than may wait; raise OTEL_BSP_MAX_QUEUE_SIZE, or sample'
const NOT_UNDERSTOOD = "a setting of OpenTelemetry is not as it should be, or a collector's answer is not"

/** What is said of it, in characters. */
const MAX_REASON = 200

/**
 * Returns what OpenTelemetry's packages say when something is wrong, as an operator can use it: of an exception, which they
 * write as JSON, its message and code, not its stack, nor what the collector has answered: that may repeat a key.
 */
export function describeProblem(said: string): Problem {
  const dropped = /^Dropped (\d+) spans/.exec(said)?.[1]
  if (dropped !== undefined) return { message: QUEUE_FULL, reason: `${dropped} spans found the queue full` }
  const exception = exceptionIn(said)
  if (exception !== null) return { message: NOT_TAKEN, reason: exception }
  if (said.startsWith('Received Partial Success')) return { message: NOT_TAKEN, reason: short(said) }
  if (said.includes('could not deserialize')) {
    return { message: NOT_UNDERSTOOD, reason: 'the answer to spans that were sent is not what a collector answers' }
  }
  return { message: NOT_UNDERSTOOD, reason: short(said) }
}

function exceptionIn(said: string): string | null {
  try {
    const { message, code, name } = JSON.parse(said) as Readonly<Record<string, unknown>>
    const words = [message, code, name].filter((word) => typeof word === 'string' && word !== '')
    return short(words.slice(0, 2).join(', '))
  } catch {
    return null
  }
}

const short = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_REASON)
