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
/** In milliseconds: where nothing was measured by then, text does not flow. A token takes five to fifty. */
const PATIENCE = 250
/** Tokens have one to ten characters: of so many the mean is right by a tenth, and each page has given some. */
const PIECES = 24
const PIECES_OF_A_PAGE = 2
/** How often it is said again, in milliseconds, for as long as it will not do. */
const AGAIN_AFTER = 250
/** In milliseconds: a busy process hears of text some milliseconds late. */
const SHORTEST = 30
/** Where pieces are rare, what came by then has to do. */
const LONGEST = 100
/** Where fewer pages than in the beginning are left, each goes on faster. */
const MIN_SHARE_OF_PAGES = 0.9

/** What came of one page while it was measured, after its first piece; in milliseconds. */
interface Heard {
  readonly firstAt: number
  lastAt: number
  characters: number
}

/** What is measured since a moment. */
interface Measured {
  readonly since: number
  readonly pages: number
  pieces: number
  /** Of all pieces together, the pages that there were with each. */
  pagesOfPieces: number
  /** It was said once. */
  hasTold: boolean
  /** When it is said next, in milliseconds since it began. */
  nextAfter: number
  readonly heard: Map<object, Heard>
}

const createMeasured = (pages: number, since: number): Measured => ({
  since,
  pages,
  pieces: 0,
  pagesOfPieces: 0,
  hasTold: false,
  nextAfter: SHORTEST,
  heard: new Map(),
})

/** Creates it, with nothing heard. */
export function createTextPace({ pages, onLevel, onSilence, now, later }: TextPaceOptions): TextPace {
  let measured: Measured | null = null
  /** Pages whose text came piece by piece, and of those that were read last the ones whose text did not. */
  let [flowing, silent] = [0, 0]

  function hear(page: object, characters: number): void {
    if (measured === null) return
    if (pages() < measured.pages * MIN_SHARE_OF_PAGES) return giveUp(measured)
    measured.pieces += 1
    measured.pagesOfPieces += pages()
    const heard = measured.heard.get(page)
    if (heard === undefined) measured.heard.set(page, { firstAt: now(), lastAt: now(), characters: 0 })
    else {
      heard.lastAt = now()
      heard.characters += characters
    }
    const level = levelOf(measured, now())
    if (level === null) return
    measured.hasTold = true
    measured.nextAfter += AGAIN_AFTER
    if (onLevel(level)) restart()
  }

  function restart(): void {
    measured = null
  }

  /** What was measured for a while, and said, is no silence. */
  function giveUp({ hasTold }: Measured): void {
    restart()
    if (!hasTold) onSilence()
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
          hear(page, characters)
        },
        ended: () => void (silent += pieces <= FIRST_PIECES ? 1 : 0),
      }
    },
    measure() {
      if (measured !== null) return
      if (silent >= FEW_PAGES) return onSilence()
      const begun = (measured = createMeasured(pages(), now()))
      later(PATIENCE, () => {
        if (measured !== begun || begun.hasTold) return
        if (flowing < FEW_PAGES) silent = FEW_PAGES
        giveUp(begun)
      })
    },
    restart,
  }
}

/** Returns what was measured; null where it is too little yet, or was said just before. */
function levelOf(measured: Measured, now: number): TextLevel | null {
  const { since, pages, pieces, nextAfter } = measured
  const time = now - since
  const few = Math.max(PIECES, PIECES_OF_A_PAGE * pages)
  if (time < nextAfter || pieces < (time < LONGEST ? few : PIECES_OF_A_PAGE * pages)) return null
  const pace = paceOf(measured)
  return pace === null ? null : { pages, pace, seconds: time / 1000 }
}

/** By the time in which each page was heard: they do not begin or end with the measurement. */
function paceOf({ heard, pages, pieces, pagesOfPieces }: Measured): number | null {
  const several = Array.from(heard.values()).filter(({ firstAt, lastAt }) => lastAt > firstAt)
  if (several.length < pages / 2) return null
  const sum = (value: (page: Heard) => number) => several.reduce((all, page) => all + value(page), 0)
  const paceOfPage = (sum(({ characters }) => characters) / sum(({ firstAt, lastAt }) => lastAt - firstAt)) * 1000
  return paceOfPage * (pagesOfPieces / pieces)
}
