import type { Ledger } from '../ocr/ledger.ts'
import type { StitchEvent } from '../ocr/stitch.ts'

/** The whole content, and its ledger. */
export interface Reading {
  readonly content: string
  readonly ledger: Ledger
}

/** Collects the pipeline's events into one reading. Throws what the pipeline throws. */
export async function collect(events: AsyncIterable<StitchEvent>): Promise<Reading> {
  let content = ''
  for await (const event of events) {
    if (event.type === 'text') content += event.text
    if (event.type === 'end') return { content, ledger: event.ledger }
  }
  throw new Error('The pipeline ended without a ledger.')
}
