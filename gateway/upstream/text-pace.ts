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
/** So many pieces of each page in the mean. */
const PIECES_OF_A_PAGE = 2
/** In milliseconds: a busy process hears of text some milliseconds late. */
const SHORTEST = 30
/** How often it is said again for as long as it will not do, and how often later than so long after the beginning, in milliseconds. */
const SOON_AFTER = 30
const SOON = 100
const AGAIN_AFTER = 250
/** Where fewer pages than in the beginning are left, each goes on faster: nothing is measured until there are as many again. */
const MIN_SHARE_OF_PAGES = 0.9
/** What was measured for so short a time, in milliseconds, is forgotten when pages leave. */
const SHORTEST_PART = 100
/** Pages that end together are followed by others, one by one: of text that comes meanwhile a busy process hears late. In milliseconds. */
const REFILL_OF_A_PAGE = 8
const LONGEST_REFILL = 1000

/** Returns how long it takes until others have come in place of so many pages that ended together, in milliseconds. */
export function refillTime(pages: number): number {
  return Math.min(LONGEST_REFILL, REFILL_OF_A_PAGE * pages)
}

/** What came of one page during a part of the measurement, after its first piece; in milliseconds. */
interface Heard {
  readonly firstAt: number
  lastAt: number
  characters: number
  /** How many pages there were with its last piece, and what they come to over time, in pages × milliseconds. */
  pages: number
  pagesOverTime: number
}

/** What came of the pages that were heard more than once, and how long they were heard, all together. */
interface Sums {
  readonly characters: number
  readonly milliseconds: number
  readonly pieces: number
  /** The pages that there were meanwhile, in pages × milliseconds. */
  readonly pagesOverTime: number
  /** How long it was measured. */
  readonly time: number
}

/** From one moment to when pages leave, or to the end. */
interface Part {
  readonly since: number
  pieces: number
  readonly heard: Map<object, Heard>
}

const createPart = (since: number): Part => ({ since, pieces: 0, heard: new Map() })

const NOTHING: Sums = { characters: 0, milliseconds: 0, pieces: 0, pagesOverTime: 0, time: 0 }

/** Creates it, with nothing heard. */
export function createTextPace({ pages, onLevel, onSilence, now, later }: TextPaceOptions): TextPace {
  let measurement: Measurement | null = null
  /** Pages whose text came piece by piece, and of those that were read last the ones whose text did not. */
  let [flowing, silent] = [0, 0]
  let lastEnd = -Infinity
  /** From when on text is no longer held up by pages that come in place of those that have ended. */
  const begin = () => Math.max(now(), lastEnd + refillTime(pages()))

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
          // The first one may be less than what comes in the time of a piece.
          const level = pieces > 1 ? measurement?.hear(page, characters) : null
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
      note(part.heard, page, { characters, pages: pages(), now: now() })
      if (before.time + now() - part.since < nextAfter) return null
      const sums = sumUp(before, part, now())
      if (sums.pieces < PIECES_OF_A_PAGE * most) return null
      // Each page has begun only just now.
      if (before === NOTHING && severalOf(part).length < most / 2) return null
      nextAfter += sums.time < SOON ? SOON_AFTER : AGAIN_AFTER
      return levelOf(sums)
    },
    goOn(since) {
      const goesOn = !isInterrupted()
      if (goesOn) part ??= createPart(since)
      return goesOn
    },
    hasTold: () => nextAfter > SHORTEST,
  }
}

/** A piece comes of all the time since the one before: so many pages were there in the mean. */
function note(heard: Map<object, Heard>, page: object, piece: Piece): void {
  const { characters, pages, now } = piece
  const known = heard.get(page)
  if (known === undefined) heard.set(page, { firstAt: now, lastAt: now, characters: 0, pages, pagesOverTime: 0 })
  else {
    known.pagesOverTime += ((known.pages + pages) / 2) * (now - known.lastAt)
    known.pages = pages
    known.lastAt = now
    known.characters += characters
  }
}

/** A piece of text, and how many pages there are with it. */
interface Piece {
  readonly characters: number
  readonly pages: number
  readonly now: number
}

/** By the time in which each page was heard: they do not begin or end with the measurement. */
function levelOf({ characters, milliseconds, pagesOverTime, time }: Sums): TextLevel {
  const pages = pagesOverTime / milliseconds
  return { pages: Math.round(pages), pace: (characters / milliseconds) * 1000 * pages, seconds: time / 1000 }
}

function sumUp(before: Sums, part: Part, now: number): Sums {
  const several = severalOf(part)
  const sum = (value: (page: Heard) => number) => several.reduce((all, page) => all + value(page), 0)
  return {
    characters: before.characters + sum(({ characters }) => characters),
    milliseconds: before.milliseconds + sum(({ firstAt, lastAt }) => lastAt - firstAt),
    pieces: before.pieces + part.pieces,
    pagesOverTime: before.pagesOverTime + sum(({ pagesOverTime }) => pagesOverTime),
    time: before.time + now - part.since,
  }
}

const severalOf = ({ heard }: Part): readonly Heard[] =>
  Array.from(heard.values()).filter(({ firstAt, lastAt }) => lastAt > firstAt)
