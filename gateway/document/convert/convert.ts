import { GatewayError } from '../../errors.ts'
import { createSlots } from '../../schedule/slots.ts'
import { startTimeLimit } from '../../schedule/time-limit.ts'
import type { Turn } from '../../schedule/turn.ts'
import { tookTooLong } from './conversion-failure.ts'
import { convertByGotenberg, type Converted, type GotenbergOptions, type ToConvert } from './gotenberg.ts'

/** What became of a conversion: `left` where its request ended before it. */
export type ConversionOutcome = 'ok' | 'refused' | 'too_large' | 'failed' | 'left'

/** A conversion that has ended. */
export interface EndedConversion {
  readonly outcome: ConversionOutcome
  /** What the document was taken for: `docx`. */
  readonly format: string
  /** Of the document. */
  readonly bytes: number
  /** Its waiting for others included. */
  readonly seconds: number
  /** Why it has failed, for the log; it holds nothing of the document. */
  readonly error?: unknown
}

/** How documents are converted. */
export interface ConvertOptions extends GotenbergOptions {
  readonly onEnd: (conversion: EndedConversion) => void
}

/** Has a document converted to PDF, in turn. */
export type Convert = (document: ToConvert, turn: Turn, signal: AbortSignal) => Promise<Converted>

/** Named in the keys of pages; raised when what the gateway asks of a conversion changes. */
export const CONVERTER = 'gotenberg-1'

/** A Gotenberg converts one document at a time. The next is on its way meanwhile; the others wait here, where they have turns. */
const AT_A_TIME = 2

/** Creates what has documents converted. All wait in one line, in which keys take turns. */
export function createConvert({ onEnd, ...options }: ConvertOptions): Convert {
  const slots = createSlots(() => AT_A_TIME)
  return async function convert(document, turn, signal) {
    const { format, bytes, param } = document
    const startedAt = performance.now()
    const ended = (outcome: ConversionOutcome, error?: unknown): void => {
      const seconds = (performance.now() - startedAt) / 1000
      onEnd({
        outcome,
        format: format.extension,
        bytes: bytes.length,
        seconds,
        ...(error === undefined ? {} : { error }),
      })
    }
    using limit = startTimeLimit(options.maxSeconds * 1000, () => tookTooLong(options.maxSeconds, param), signal)
    try {
      const release = await slots.acquire(turn, limit.signal)
      try {
        const converted = await convertByGotenberg(document, turn.key, options, limit.signal)
        ended('ok')
        return converted
      } finally {
        release()
      }
    } catch (error) {
      if (signal.aborted) ended('left')
      else ended(outcomeOf(error), error)
      throw error
    }
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['document_unreadable', 'document_encrypted', 'wrong_password'])

function outcomeOf(error: unknown): ConversionOutcome {
  const code = error instanceof GatewayError ? error.code : ''
  if (code === 'document_too_large') return 'too_large'
  return REFUSALS.has(code) ? 'refused' : 'failed'
}
