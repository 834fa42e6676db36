import type { Ledger } from '../ocr/ledger.ts'
import type { PagePreviewed } from '../ocr/page-event.ts'
import type { StitchEvent } from '../ocr/stitch.ts'

/** The whole content, and its ledger. */
export interface Reading {
  readonly content: string
  readonly ledger: Ledger
  /** Small pictures of pages, in page order: as many as an answer may hold. Left out where none was asked for. */
  readonly previews?: readonly PagePreviewed[]
}

/** As much as pictures that are cut out of pages. */
const MAX_PREVIEW_BYTES = 64 * 1024 * 1024

/** Collects the pipeline's events into one reading. Throws what the pipeline throws. */
export async function collect(events: AsyncIterable<readonly StitchEvent[]>): Promise<Reading> {
  let content = ''
  let bytesLeft = MAX_PREVIEW_BYTES
  const previews: PagePreviewed[] = []
  for await (const together of events) {
    for (const event of together) {
      if (event.type === 'text') content += event.text
      if (event.type === 'page-preview') {
        bytesLeft -= event.preview.data.length
        if (bytesLeft >= 0) previews.push(event)
      }
      if (event.type === 'end') {
        return { content, ledger: event.ledger, previews: previews.toSorted((a, b) => a.page.page - b.page.page) }
      }
    }
  }
  throw new Error('The pipeline ended without a ledger.')
}
