/** Pages at a server that can be given back: it loses what it has read of them, so only young ones are. */
export interface YoungPages {
  /** Counts a page, with how it is given back; returns how it is forgotten. */
  sent(giveBack: () => void): () => void
  /** Gives back so many at most, those that were sent last. */
  giveBack(count: number): void
}

/** In milliseconds: by then text has said whether a limit is too high. */
const YOUNG = 1000

/** Creates it, with no page. */
export function createYoungPages(now: () => number): YoungPages {
  /** The first one was sent first. */
  const pages = new Set<{ readonly sentAt: number; readonly giveBack: () => void }>()
  return {
    sent(giveBack) {
      const page = { sentAt: now(), giveBack }
      pages.add(page)
      return () => void pages.delete(page)
    },
    giveBack(count) {
      if (count <= 0) return
      const young = [...pages].filter(({ sentAt }) => now() - sentAt <= YOUNG)
      // In their order, in which they wait again.
      for (const page of young.slice(-count)) {
        pages.delete(page)
        page.giveBack()
      }
    },
  }
}
