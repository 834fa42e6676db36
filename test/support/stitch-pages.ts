import type { OcrEvent, PageResult } from '../../gateway/ocr/page-event.ts'
import { stitch, type StitchEnd, type StitchEvent } from '../../gateway/ocr/stitch.ts'
import { unread } from '../../gateway/read/page-answer.ts'
import type { OcrRequest } from '../../gateway/request/ocr-request.ts'
import { makeRequest } from './make-request.ts'

/** A page's text, or what became of it. */
export type GivenPage = string | (Partial<PageResult> & { readonly document?: number; readonly documentPage?: number })

const read: PageResult = {
  ...unread('vllm'),
  status: 'ok',
  attempts: 1,
  finishReason: 'stop',
  width: 1000,
  height: 1400,
  error: null,
}

/** The events of a request whose pages are these, which come one by one. */
export async function* pageEvents(pages: Iterable<GivenPage>): AsyncGenerator<OcrEvent[]> {
  yield one({
    type: 'document-open',
    documents: [{ sha256: 'ab', mediaType: 'application/pdf', pages: 9, name: null }],
    pages: 9,
    cachedPages: 0,
  })
  let number = 0
  for (const given of pages) {
    number += 1
    const { document = 1, documentPage = number, ...facts } = typeof given === 'string' ? { text: given } : given
    yield one({
      type: 'page-end',
      page: { page: number, document, documentPage, label: null },
      result: { ...read, ...facts },
    })
  }
}

const one = (event: OcrEvent): OcrEvent[] => [event]

/** Stitches pages as a request wants them: the events, the content, the ledger, and each page's part of the content. */
export async function stitchPages(pages: Iterable<GivenPage>, parts: Partial<OcrRequest> = {}) {
  const all: StitchEvent[] = []
  for await (const together of stitch(pageEvents(pages), makeRequest(parts))) all.push(...together)
  const content = all.map((event) => (event.type === 'text' ? event.text : '')).join('')
  const { pages: lines } = (all.at(-1) as StitchEnd).ledger
  return { all, content, lines, parts: lines.map(({ start, end }) => content.slice(start, end)) }
}

/** Everything is joined. */
export const JOIN = { join: { paragraphs: true, tables: true } } as const
