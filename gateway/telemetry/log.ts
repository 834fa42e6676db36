import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

/** The structured logger. No line ever holds text of a document, a password or a key. */
export type Log = Logger

/** The level and format of the log. */
export interface LogOptions {
  readonly level: string
  readonly format: 'json' | 'pretty'
}

/** Builds the logger. It writes to standard error; standard output has only the start line. */
export function createLog({ level, format }: LogOptions): Log {
  const destination =
    format === 'pretty' ? pretty({ destination: 2, sync: true }) : pino.destination({ fd: 2, sync: false })
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}
