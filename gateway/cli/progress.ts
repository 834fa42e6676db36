import type { Input } from './input.ts'

/** A document that is being read. */
export interface Row {
  readonly name: string
  /** Null: not known yet. */
  pages: number | null
  done: number
}

/** What became of a document, as it is shown. */
export interface Outcome {
  readonly kind: 'done' | 'partial' | 'failed' | 'known'
  readonly name: string
  readonly pages: number
  readonly seconds: number
  /** What went wrong, or where it was taken from. */
  readonly note: string | null
}

/** How far a command has come. */
export interface Progress {
  /** Documents that were found. */
  total: number
  readonly counts: Record<Outcome['kind'], number>
  readonly rows: ReadonlySet<Row>
  readonly pages: number
  /** Of pages that have failed, in documents of which others are read. */
  failedPages: number
  begin(input: Input): Row
  opened(row: Row, pages: number | null): void
  page(row: Row): void
  /** The document will be asked for again. */
  again(row: Row): void
  end(row: Row | null, outcome: Outcome): void
  /** Forgets a document that was left. */
  leave(row: Row): void
  /** Pages that are still to come of so many documents that have begun, those included of which no more is known. */
  outstanding(begun: number): number
  pagesPerSecond(): number | null
  /** Null while nobody can tell. */
  secondsLeft(): number | null
}

/** Whether a document has more pages to go than the one that may be read now: a command which is to end leaves it. */
export function hasMoreToCome({ pages, done }: Row): boolean {
  return pages !== null && pages - done > 1
}

/** What is measured is the last minute. In milliseconds. */
const WINDOW = 60_000
const MEASURABLE = 1500
/** Of a document that is not open, while nothing is measured. */
const ASSUMED_PAGES = 8

/** Begins to count. `now`: milliseconds that never run backwards. */
export function createProgress(onEnd: (outcome: Outcome) => void, now = () => performance.now()): Progress {
  const rows = new Set<Row>()
  const counts = { done: 0, partial: 0, failed: 0, known: 0 }
  const pace = createPace(now)
  let pages = 0
  let measured = { documents: 0, pages: 0 }
  const ended = (): number => counts.done + counts.partial + counts.failed + counts.known
  const mean = (): number => (measured.documents === 0 ? ASSUMED_PAGES : measured.pages / measured.documents)
  const progress: Progress = {
    total: 0,
    counts,
    rows,
    get pages() {
      return pages
    },
    failedPages: 0,
    begin({ name }) {
      const row: Row = { name, pages: null, done: 0 }
      rows.add(row)
      pace.start()
      return row
    },
    opened: (row, count) => void (row.pages = count),
    page(row) {
      row.done += 1
      pages += 1
      pace.tick()
    },
    again(row) {
      // Its pages are counted again, as they come.
      pages -= row.done
      row.done = 0
    },
    end(row, outcome) {
      if (row !== null) {
        // What is blank has no text that would say so.
        pages += outcome.pages - row.done
        rows.delete(row)
        if (outcome.pages > 0) measured = { documents: measured.documents + 1, pages: measured.pages + outcome.pages }
      }
      counts[outcome.kind] += 1
      onEnd(outcome)
    },
    leave: (row) => void rows.delete(row),
    outstanding(begun) {
      const known = [...rows].reduce((sum, { pages, done }) => sum + Math.max(1, (pages ?? mean()) - done), 0)
      return known + Math.max(0, begun - rows.size) * mean()
    },
    pagesPerSecond: () => pace.perSecond(),
    secondsLeft() {
      const rate = pace.perSecond()
      const isOpen = [...rows].every((row) => row.pages !== null)
      if (rate === null || rate === 0 || (measured.documents === 0 && !isOpen)) return null
      const begun = [...rows].reduce((sum, row) => sum + Math.max(0, (row.pages ?? mean()) - row.done), 0)
      return (begun + Math.max(0, progress.total - ended() - rows.size) * mean()) / rate
    },
  }
  return progress
}

function createPace(now: () => number) {
  let startedAt: number | null = null
  const ticks: number[] = []
  const forget = (): void => {
    while (ticks.length > 0 && ticks[0]! < now() - WINDOW) ticks.shift()
  }
  return {
    start: () => void (startedAt ??= now()),
    tick() {
      ticks.push(now())
      forget()
    },
    perSecond(): number | null {
      forget()
      const span = startedAt === null ? 0 : Math.min(WINDOW, now() - startedAt)
      return span < MEASURABLE || ticks.length === 0 ? null : ticks.length / (span / 1000)
    },
  }
}
