import type { LedgerLine, OcrObject } from '../../../wire/openai/ocr-object.ts'
import type { Change, Preview, ReadEvent } from '../stream/events.ts'
import type { Problem } from '../stream/problem.ts'

/** What is known of one page. */
export interface PageState {
  readonly number: number
  /** In pixels of the page image; null: it was not drawn yet. */
  readonly size: { readonly width: number; readonly height: number } | null
  readonly changes: readonly Change[]
  readonly textLayer: string | null
  /** Null: not read yet. */
  readonly text: string | null
  /** When its text came, in seconds from the beginning of the reading. */
  readonly seconds: number | null
  readonly line: LedgerLine | null
}

/** Where a reading stands. `lost`: the connection broke; `stopped`: by whoever reads. */
export type Phase = 'waiting' | 'sending' | 'reading' | 'done' | 'stopped' | 'refused' | 'lost'

/** A document, and what has been read of it. */
export interface Reading {
  readonly phase: Phase
  /** How much of the document has been sent. */
  readonly sent: number
  /** In page order. */
  readonly pages: readonly PageState[]
  /** All pages of the document are asked for. */
  readonly isWhole: boolean
  /** How many pages are read; null: not known yet. */
  readonly total: number | null
  /** Everything that the gateway wrote, in its order. */
  readonly content: readonly string[]
  readonly ocr: OcrObject | null
  readonly problem: Problem | null
  /** When it began, and when pages came last, in milliseconds. */
  readonly startedAt: number
  readonly arrivals: readonly number[]
}

/** What happens to a reading. */
export type ReadingEvent =
  | ReadEvent
  | { readonly type: 'begin'; readonly isFresh: boolean; readonly isWhole: boolean }
  | { readonly type: 'sent'; readonly share: number }
  | { readonly type: 'ask' }
  | { readonly type: 'end'; readonly phase: Exclude<Phase, 'sending' | 'reading'>; readonly problem: Problem | null }

/** A reading that has not begun. */
export const NOT_BEGUN: Reading = {
  phase: 'waiting',
  sent: 0,
  pages: [],
  isWhole: true,
  total: null,
  content: [],
  ocr: null,
  problem: null,
  startedAt: 0,
  arrivals: [],
}

/** The rate is that of so many pages that came last. */
const RATE_PAGES = 30

/** Returns a reading after something has happened to it, at a time in milliseconds. */
export function afterEvent(reading: Reading, event: ReadingEvent, now: number): Reading {
  if (event.type === 'begin') return begun(event.isFresh ? NOT_BEGUN : reading, event.isWhole, now)
  if (event.type === 'sent') return { ...reading, sent: event.share }
  if (event.type === 'ask') return { ...reading, phase: 'reading', sent: 1 }
  if (event.type === 'pages') return withTotal(reading, event.total)
  if (event.type === 'preview') return withPreview(reading, event.preview)
  if (event.type === 'text') return withText(reading, event, now)
  if (event.type === 'ledger') return withLedger(reading, event.ocr)
  return { ...reading, phase: event.phase, problem: event.problem }
}

/** What was read stays where the same is asked again: it comes from the cache, and in its place. */
function begun(reading: Reading, isWhole: boolean, now: number): Reading {
  const empty = { content: [], ocr: null, problem: null, sent: 0 }
  return { ...reading, ...empty, phase: 'sending', isWhole, startedAt: now, arrivals: [now] }
}

function withPreview(reading: Reading, { page, width, height, changes, textLayer }: Preview): Reading {
  const drawn = { size: { width, height }, changes, textLayer }
  return withPage(reading, page, drawn)
}

/** Where all pages are read, their numbers are known with how many they are. */
function withTotal(reading: Reading, total: number): Reading {
  if (!reading.isWhole) return { ...reading, total }
  const known = new Map(reading.pages.map((page) => [page.number, page]))
  const pages = Array.from({ length: total }, (_, index) => known.get(index + 1) ?? emptyPage(index + 1))
  return { ...reading, total, pages }
}

type TextEvent = Extract<ReadEvent, { type: 'text' }>

function withText(reading: Reading, { page, text, line }: TextEvent, now: number): Reading {
  const content = [...reading.content, text]
  if (page === null) return { ...reading, content }
  const isNew = (pageOf(reading, page)?.text ?? null) === null
  const read = { text, line, ...(isNew ? { seconds: (now - reading.startedAt) / 1000 } : {}) }
  const arrivals = isNew ? [...reading.arrivals, now].slice(-RATE_PAGES - 1) : reading.arrivals
  return withPage({ ...reading, content, arrivals }, page, read)
}

function withLedger(reading: Reading, ocr: OcrObject): Reading {
  const known = new Map(reading.pages.map((page) => [page.number, page]))
  const pages = ocr.pages.map((line) => ({ ...(known.get(line.page) ?? emptyPage(line.page)), line }))
  return { ...reading, ocr, total: pages.length, pages: pages.toSorted((one, other) => one.number - other.number) }
}

function withPage(reading: Reading, number: number, facts: Partial<PageState>): Reading {
  const at = placeOf(reading.pages, number)
  const known = reading.pages[at]
  const isKnown = known?.number === number
  const page = { ...(isKnown ? known : emptyPage(number)), ...facts }
  return { ...reading, pages: reading.pages.toSpliced(at, isKnown ? 1 : 0, page) }
}

function emptyPage(number: number): PageState {
  return { number, size: null, changes: [], textLayer: null, text: null, seconds: null, line: null }
}

/** Finds a page; null: nothing is known of it. */
export function pageOf({ pages }: Reading, number: number): PageState | null {
  const page = pages[placeOf(pages, number)]
  return page?.number === number ? page : null
}

/** Where a page stands, or would stand. */
function placeOf(pages: readonly PageState[], number: number): number {
  let from = 0
  let to = pages.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((pages[middle]?.number ?? 0) < number) from = middle + 1
    else to = middle
  }
  return from
}

/** Whether a document is being read, or sent to be. */
export function isBusy({ phase }: Reading): boolean {
  return phase === 'sending' || phase === 'reading'
}

/** How far a reading is. */
export interface Progress {
  readonly read: number
  readonly total: number | null
  /** Null: too early to say. */
  readonly pagesPerSecond: number | null
  readonly secondsLeft: number | null
}

/** Says how far a reading is, and how long it will take as far as anybody can tell. */
export function progressOf(reading: Reading): Progress {
  const { pages, total, arrivals } = reading
  const read = pages.reduce((sum, { text }) => sum + (text === null ? 0 : 1), 0)
  const [first = 0] = arrivals
  const seconds = ((arrivals.at(-1) ?? 0) - first) / 1000
  const pagesPerSecond = arrivals.length > 1 && seconds > 0 ? (arrivals.length - 1) / seconds : null
  const secondsLeft = pagesPerSecond === null || total === null ? null : Math.max(0, total - read) / pagesPerSecond
  return { read, total, pagesPerSecond, secondsLeft }
}

/** What a reading wrote: whole where it is done, else the pages that have come. */
export function markdownOf({ phase, content, pages }: Reading): string {
  if (phase === 'done') return content.join('')
  return pages.flatMap(({ text }) => (text === null ? [] : [text])).join('\n\n---\n\n')
}

/** What a page is called on the screen, and how it went. */
export type Standing = LedgerLine['status'] | 'read' | 'drawn' | 'waiting'

/** How a page went, or goes. Of an older gateway the ledger comes at the end: until then a page is only read. */
export function standingOf({ line, text, size }: PageState): Standing {
  if (line !== null) return line.status
  if (text !== null) return FAILED_MARK.test(text) ? 'failed' : text.trim() === '' ? 'blank' : 'read'
  return size === null ? 'waiting' : 'drawn'
}

/** What the gateway writes in the place of a page that it cannot read. */
const FAILED_MARK = /^<!-- page \d+ failed: \w+ -->$/
