import type { Backlog } from './backlog.ts'
import { createYoungPages } from './young-pages.ts'
import type { LimitFinder } from './limit-finder.ts'
import { createTextPace, type TextPaceOptions } from './text-pace.ts'

/** Watches the text of a server's pages while its limit is looked for, where it says what more pages bring. */
export interface TextWatch {
  /** Counts a page; `giveBack` takes it from the server again, null: that is not wanted of this one. */
  sent(giveBack: (() => void) | null): WatchedPage
  /**
   * Says that the server has begun a page, `isFilled`: as many as the limit, and had places for them. Returns whether text decides
   * what comes of it.
   */
  begun(isFilled: boolean): boolean
  /** Leaves what is being measured: other pages are at the server. */
  restart(): void
}

/** The text of a page. */
export interface WatchedPage {
  /** Says that so many characters have come. */
  heard(characters: number): void
  /** Says that it was read to its end. */
  ended(): void
  /** Says that it is not at the server any more. */
  left(): void
}

/** Who is asked, and told. */
export interface TextWatchOptions extends Pick<TextPaceOptions, 'now' | 'later'> {
  readonly finder: LimitFinder
  readonly backlog: Backlog
  /** Whether other gateways have pages at the server: what text comes of them is not known. */
  readonly isShared: () => boolean
  /** Whether as many pages are at the server as may be. */
  readonly isFull: () => boolean
  readonly isSearching: () => boolean
}

/** Creates it, with no page. */
export function createTextWatch(options: TextWatchOptions): TextWatch {
  const { finder, backlog, isShared, isFull, isSearching, now, later } = options
  const young = createYoungPages(now)
  const pace = createTextPace({ pages: () => backlog.active, onLevel, onSilence: finder.noteBegun, now, later })
  const decides = () => backlog.isTelling() && backlog.isMostlyText() && !isShared()

  /** Begins to measure where that is wanted now, and all pages at the server give text. */
  function measure(isFilled: boolean): void {
    const isPossible = isSearching() && decides() && backlog.hasBegun()
    if (isPossible && finder.wantsText(backlog.active, isFilled)) pace.measure()
  }

  function onLevel(level: Parameters<TextPaceOptions['onLevel']>[0]): boolean {
    if (isShared()) return true
    const before = finder.search()
    const isSaid = finder.noteText(level)
    const next = finder.search()
    // The server may have begun all of them before.
    if (isFull() && backlog.hasBegun()) finder.noteBegunAhead()
    if (next.limit < before.limit || next.isStepwise !== before.isStepwise) later(0, goBack)
    // What was measured briefly is measured again, though no page comes or goes.
    else if (isSaid) later(0, () => measure(isFull()))
    return isSaid
  }

  /** Leaves the server no more pages than the limit, and measures those: without pages that come or go nothing else would. */
  function goBack(): void {
    young.giveBack(backlog.active - finder.search().limit)
    measure(isFull())
  }

  return {
    sent(giveBack) {
      const text = pace.page()
      const forget = giveBack === null ? () => {} : young.sent(giveBack)
      let isRead = false
      return {
        heard: (characters) => text.heard(characters),
        ended() {
          isRead = true
          text.ended()
        },
        left() {
          forget()
          // The last one that was given back leaves those that are to be measured.
          if (!isRead) measure(isFull())
        },
      }
    },
    begun(isFilled) {
      if (!decides()) return false
      if (isFilled) finder.noteBegunAhead()
      measure(isFilled)
      return true
    },
    restart: () => pace.restart(),
  }
}
