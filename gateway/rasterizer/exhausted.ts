import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'
import type { Rasterization, RefusedDocument } from './messages.ts'

/** What exhausted a drawer's time or memory, or broke it, is not tried again for a while. */
export interface Exhausted {
  /** Documents that cannot be opened, for drawers, which find out a document's hash. */
  readonly documents: readonly RefusedDocument[]
  /** Returns why a page, 1-based, is not drawn; null when it may be tried. */
  ofPage(sha256: string, page: number): GatewayError | null
  noteDocument(sha256: string, failure: GatewayError): void
  /** Returns whether the document's other pages are given up with it. */
  notePage(sha256: string, page: number, failure: GatewayError): boolean
}

/** Long enough that repeating it is of no use to an attacker, short enough for a page that failed on a busy machine. */
const REMEMBERED_MINUTES = 10
const MAX_REMEMBERED = 1000
/** A document whose pages take so often too long is given up. */
const MAX_TIMEOUTS = 3

interface ExhaustedDocument {
  readonly pages: Map<number, GatewayError>
  timeouts: number
  givenUp: GatewayError | null
}

/** Creates an empty memory. */
export function createExhausted(): Exhausted {
  const lifetime = { max: MAX_REMEMBERED, ttl: REMEMBERED_MINUTES * 60_000 }
  const opened = new LRUCache<string, GatewayError>(lifetime)
  const drawn = new LRUCache<string, ExhaustedDocument>(lifetime)
  return {
    get documents() {
      return [...opened.entries()].map(([sha256, { code, message }]) => ({ sha256, code, message }))
    },
    ofPage(sha256, page) {
      const known = drawn.get(sha256)
      return known?.pages.get(page) ?? known?.givenUp ?? null
    },
    noteDocument: (sha256, failure) => void opened.set(sha256, remembered(failure)),
    notePage(sha256, page, failure) {
      const known = drawn.get(sha256) ?? { pages: new Map(), timeouts: 0, givenUp: null }
      known.pages.set(page, remembered(failure))
      if (failure.code === 'page_timeout') known.timeouts += 1
      if (known.timeouts >= MAX_TIMEOUTS) known.givenUp ??= givenUp(failure)
      drawn.set(sha256, known)
      return known.givenUp !== null
    },
  }
}

function remembered({ code, message }: GatewayError): GatewayError {
  return new GatewayError(
    code,
    `${message} It was tried within the last ${REMEMBERED_MINUTES} minutes, and is not tried again before they are over.`,
  )
}

function givenUp({ code, message }: GatewayError): GatewayError {
  return new GatewayError(
    code,
    `The page was not drawn, as ${MAX_TIMEOUTS} pages of the document took too long: ${message}`,
  )
}

/** Under which name it is remembered that pages of a document were too much. */
export function drawnAs(sha256: string, { isExtra = false }: Rasterization): string {
  return isExtra ? `${sha256} extra` : sha256
}
