import type { Ledger } from '../ocr/ledger.ts'
import type { StitchEvent } from '../ocr/stitch.ts'

/** What was read, whole. */
export interface Reading {
  readonly content: string
  readonly ledger: Ledger
}

/** Collects what a stream forwards. Throws what the pipeline throws. */
export async function collect(events: AsyncIterable<StitchEvent>): Promise<Reading> {
  let content = ''
  for await (const event of events) {
    if (event.type === 'text') content += event.text
    if (event.type === 'end') return { content, ledger: event.ledger }
  }
  throw new Error('The pipeline ended without a ledger.')
}
