/** What text came from a server while it read so many pages. */
export interface TextLevel {
  readonly pages: number
  /** Characters per second, of all of them together. */
  readonly pace: number
  /** For how long it was measured. */
  readonly seconds: number
}

/**
 * How fast a server's text comes. A server that takes all pages at once, and only slows down, keeps none waiting: that more of them
 * bring nothing is seen in its text within tenths of a second, and in its answers after the time of a page.
 */
export interface TextPace {
  /** Counts a page; returns how its text is counted. */
  page(): PageText
  /** Measures from now on, if it does not yet: the server has begun all pages that it was sent. */
  measure(): void
  /** Leaves what is being measured: other pages are at the server. */
  restart(): void
}

/** The text of a page. */
export interface PageText {
  /** Says that so many characters have come. */
  heard(characters: number): void
  /** Says that it was read to its end. */
  ended(): void
}

/** Who is asked, and told. */
export interface TextPaceOptions {
  /** Pages at the server. */
  readonly pages: () => number
  /** Called with what was measured; returns whether that will do, or it is measured for longer. */
  readonly onLevel: (level: TextLevel) => boolean
  /** Called where nothing can be measured: text does not come piece by piece, or pages end before it has. */
  readonly onSilence: () => void
  /** In milliseconds. */
  readonly now: () => number
  /** Calls back after some milliseconds. */
  readonly later: (milliseconds: number, run: () => void) => void
}

/** The first piece of a page may come long before the second one, which may be all that is left. */
const FIRST_PIECES = 2
/** So many pages show whether text flows, each of them beyond its first pieces. */
const FEW_PAGES = 4
/**
 * In milliseconds: where nothing was measured by then, text does not flow. A token takes five to fifty. Where it is known to flow, it is tried
 * for several times as long: pages that end together interrupt the measurement.
 */
const PATIENCE = 250
const MOST_PATIENCES = 4
/** Tokens have one to ten characters: of so many the mean is right by a tenth, and each page has given some. */
const PIECES = 24
const PIECES_OF_A_PAGE = 2
/** How often it is said again, in milliseconds, for as long as it will not do. */
const AGAIN_AFTER = 250
/** In milliseconds: a busy process hears of text some milliseconds late. */
const SHORTEST = 30
/** Where pieces are rare, what came by then has to do. */
const LONGEST = 100
/** Where fewer pages than in the beginning are left, each goes on faster: nothing is measured until there are as many again. */
const MIN_SHARE_OF_PAGES = 0.9
/** What was measured for so short a time, in milliseconds, is forgotten when pages leave. */
const SHORTEST_PART = 100
/** Pages that end together are followed by others, one by one: of text that comes meanwhile a busy process hears late. In milliseconds. */
const REFILL_OF_A_PAGE = 8
const LONGEST_REFILL = 1000

/** What came of one page during a part of the measurement, after its first piece; in milliseconds. */
interface Heard {
  readonly firstAt: number
  lastAt: number
  characters: number
}

/** What came of the pages that were heard more than once, and how long they were heard, all together. */
interface Sums {
  readonly characters: number
  readonly milliseconds: number
  readonly pieces: number
  /** Of all pieces together, the pages that there were with each. */
  readonly pagesOfPieces: number
  /** How long it was measured. */
  readonly time: number
}

/** From one moment to when pages leave, or to the end. */
interface Part {
  readonly since: number
  pieces: number
  pagesOfPieces: number
  readonly heard: Map<object, Heard>
}

const createPart = (since: number): Part => ({ since, pieces: 0, pagesOfPieces: 0, heard: new Map() })

const NOTHING: Sums = { characters: 0, milliseconds: 0, pieces: 0, pagesOfPieces: 0, time: 0 }

/** Creates it, with nothing heard. */
export function createTextPace({ pages, onLevel, onSilence, now, later }: TextPaceOptions): TextPace {
  let measurement: Measurement | null = null
  /** Pages whose text came piece by piece, and of those that were read last the ones whose text did not. */
  let [flowing, silent] = [0, 0]
  let lastEnd = -Infinity
  /** From when on text is no longer held up by pages that come in place of those that have ended. */
  const begin = () => Math.max(now(), lastEnd + Math.min(LONGEST_REFILL, REFILL_OF_A_PAGE * pages()))

  function restart(): void {
    measurement = null
  }

  /** Waits for a first level. */
  function wait(begun: Measurement, milliseconds: number, patiences = 1): void {
    later(milliseconds, () => {
      if (measurement !== begun || begun.hasTold()) return
      const flows = flowing >= FEW_PAGES
      if (flows && patiences < MOST_PATIENCES) return wait(begun, PATIENCE, patiences + 1)
      if (!flows) silent = FEW_PAGES
      restart()
      onSilence()
    })
  }

  return {
    page() {
      let pieces = 0
      const page = {}
      return {
        heard(characters) {
          if (characters === 0) return
          pieces += 1
          if (pieces === FIRST_PIECES + 1) [flowing, silent] = [flowing + 1, 0]
          const level = measurement?.hear(page, characters)
          if (level && onLevel(level)) restart()
        },
        ended() {
          silent += pieces <= FIRST_PIECES ? 1 : 0
          lastEnd = now()
        },
      }
    },
    measure() {
      if (measurement?.goOn(begin()) === true) return
      if (silent >= FEW_PAGES) return onSilence()
      const since = begin()
      measurement = createMeasurement(since, { pages, now })
      wait(measurement, since - now() + PATIENCE)
    },
    restart,
  }
}

/** What text comes from as many pages as there are, part by part. */
interface Measurement {
  /** Notes a piece of a page; returns what was measured by now, where that is to be said. */
  hear(page: object, characters: number): TextLevel | null
  /** Goes on from a moment on, where it was interrupted; returns whether there are as many pages again. */
  goOn(since: number): boolean
  /** Whether it was said once. */
  hasTold(): boolean
}

function createMeasurement(begin: number, { pages, now }: Pick<TextPaceOptions, 'pages' | 'now'>): Measurement {
  const most = pages()
  let before = NOTHING
  /** Null: too few pages are at the server. */
  let part: Part | null = createPart(begin)
  /** In milliseconds of measuring. */
  let nextAfter = SHORTEST
  const isInterrupted = () => pages() < most * MIN_SHARE_OF_PAGES

  function interrupt(current: Part): null {
    if (now() - current.since >= SHORTEST_PART) before = sumUp(before, current, now())
    part = null
    return null
  }

  return {
    hear(page, characters) {
      if (part === null || now() < part.since) return null
      if (isInterrupted()) return interrupt(part)
      part.pieces += 1
      part.pagesOfPieces += pages()
      note(part.heard, page, characters, now())
      if (before.time + now() - part.since < nextAfter) return null
      const sums = sumUp(before, part, now())
      if (!isEnough(sums, most)) return null
      // Each page has begun only just now.
      if (before === NOTHING && severalOf(part).length < most / 2) return null
      nextAfter += AGAIN_AFTER
      return levelOf(sums)
    },
    goOn(since) {
      const goesOn = part !== null || !isInterrupted()
      if (goesOn) part ??= createPart(since)
      return goesOn
    },
    hasTold: () => nextAfter > SHORTEST,
  }
}

function note(heard: Map<object, Heard>, page: object, characters: number, now: number): void {
  const known = heard.get(page)
  if (known === undefined) heard.set(page, { firstAt: now, lastAt: now, characters: 0 })
  else {
    known.lastAt = now
    known.characters += characters
  }
}

function isEnough({ time, pieces }: Sums, pages: number): boolean {
  const few = PIECES_OF_A_PAGE * pages
  return pieces >= (time < LONGEST ? Math.max(PIECES, few) : few)
}

/** By the time in which each page was heard: they do not begin or end with the measurement. */
function levelOf({ characters, milliseconds, pieces, pagesOfPieces, time }: Sums): TextLevel {
  const pages = pagesOfPieces / pieces
  return { pages: Math.round(pages), pace: (characters / milliseconds) * 1000 * pages, seconds: time / 1000 }
}

function sumUp(before: Sums, part: Part, now: number): Sums {
  const several = severalOf(part)
  const sum = (value: (page: Heard) => number) => several.reduce((all, page) => all + value(page), 0)
  return {
    characters: before.characters + sum(({ characters }) => characters),
    milliseconds: before.milliseconds + sum(({ firstAt, lastAt }) => lastAt - firstAt),
    pieces: before.pieces + part.pieces,
    pagesOfPieces: before.pagesOfPieces + part.pagesOfPieces,
    time: before.time + now - part.since,
  }
}

const severalOf = ({ heard }: Part): readonly Heard[] =>
  Array.from(heard.values()).filter(({ firstAt, lastAt }) => lastAt > firstAt)
