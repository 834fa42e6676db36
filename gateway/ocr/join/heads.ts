import type { OcrRequest } from '../../request/ocr-request.ts'
import type { PageEnd } from '../page-event.ts'
import { WINDOW } from './running-of.ts'
import { markedHeads } from './marked-heads.ts'
import { bottomEdge, topEdge, type PageEdge } from './page-edge.ts'
import { findHeads, noHeads, type Neighbour } from './page-heads.ts'

/** What was found at the edges of a page. */
export interface PageHeads {
  /** What was taken out of the text to stand apart; null: nothing. */
  readonly header: string | null
  readonly footer: string | null
  /** Whether a header, or a footer, stands in the text all the same: what it interrupts cannot be joined over it. */
  readonly isBelowHeader: boolean
  readonly isAboveFooter: boolean
}

/** A page whose headers and footers are decided: its text is without those that were to go. */
export interface HeadedPage extends PageEnd {
  readonly heads: PageHeads
}

/** Decides the headers and footers of pages, which are added in page order. */
export interface Heads {
  /** Takes a page; returns those that are decided now. Where nothing depends on other pages, that is the page itself. */
  add(end: PageEnd): HeadedPage[]
  /** Returns the pages that were held back. */
  end(): HeadedPage[]
}

const NO_HEADS: PageHeads = { header: null, footer: null, isBelowHeader: false, isAboveFooter: false }

/**
 * Creates what finds headers and footers, and takes out those that are not to be kept. Of each page that takes the pages around it:
 * it is held back until four more have ended. Where nothing depends on them, pages pass at once, as they are.
 */
export function createHeads(request: OcrRequest): Heads {
  const { join = null, headers = 'keep', footers = 'keep' } = request
  if (join === null && headers === 'keep' && footers === 'keep') {
    return { add: ({ type, page, result }) => [{ type, page, result, heads: NO_HEADS }], end: () => [] }
  }
  const pages: Seen[] = []
  // The first page that is held back.
  let at = 0
  return {
    add(end) {
      pages.push(seen(end))
      if (pages.length - at <= WINDOW) return []
      const decided = decide(pages, at++, request)
      if (at > WINDOW) {
        pages.shift()
        at -= 1
      }
      return [decided]
    },
    end() {
      const from = at
      at = pages.length
      return pages.slice(from).map((_, index) => decide(pages, from + index, request))
    },
  }
}

/** A page, and its edges; null where it has no text to compare. */
interface Seen {
  readonly end: PageEnd
  readonly edges: { readonly top: PageEdge; readonly bottom: PageEdge } | null
}

function seen(end: PageEnd): Seen {
  const { text, error } = end.result
  return { end, edges: text.trim() === '' || error !== null ? null : { top: topEdge(text), bottom: bottomEdge(text) } }
}

function decide(pages: readonly Seen[], at: number, request: OcrRequest): HeadedPage {
  const { end, edges } = pages[at]!
  const { headers = 'keep', footers = 'keep' } = request
  const marked = markedHeads(end.result, request)
  if (marked !== null) {
    const header = headers === 'separate' ? marked.header : null
    const footer = footers === 'separate' ? marked.footer : null
    return { ...end, result: { ...end.result, text: marked.text }, heads: { ...NO_HEADS, header, footer } }
  }
  const { text } = end.result
  const { documentPage } = end.page
  const found =
    edges === null ? noHeads(text) : findHeads({ text, ...edges }, neighboursOf(pages, at), documentPage === 1)
  const start = headers === 'keep' ? 0 : found.headerEnd
  const stop = footers === 'keep' ? text.length : found.footerStart
  const isWhole = start === 0 && stop === text.length
  return {
    ...end,
    result: isWhole ? end.result : { ...end.result, text: between(text, start, stop) },
    heads: {
      header: headers === 'separate' ? found.header : null,
      footer: footers === 'separate' ? found.footer : null,
      isBelowHeader: headers === 'keep' && found.header !== null,
      isAboveFooter: footers === 'keep' && found.footer !== null,
    },
  }
}

/** Cuts a text between its header and its footer; how far its first line is indented says something. */
function between(text: string, start: number, stop: number): string {
  const body = text.slice(start, stop)
  const isCutAbove = start > 0
  const left = isCutAbove ? body.replace(/^(?:[ \t]*\n)+/, '') : body
  return stop < text.length ? left.trimEnd() : left
}

function neighboursOf(pages: readonly Seen[], at: number): Neighbour[] {
  const { document, documentPage } = pages[at]!.end.page
  return pages.flatMap(({ end, edges }, index) => {
    if (index === at || edges === null || end.page.document !== document || Math.abs(index - at) > WINDOW) return []
    return [{ ...edges, distance: index - at, pagesApart: end.page.documentPage - documentPage }]
  })
}
