import type { FinishedPages } from '../ocr/finished-pages.ts'

/** Where the pages of a line are counted from 1: its documents are read once, and once more for an annotation. */
export type LinePart = 'read' | 'annotation'

/** The pages that were read of lines that have not ended, kept where the page cache does not outlive the process. */
export interface LinePages {
  of(batch: string, line: number, part: LinePart, signal: AbortSignal): FinishedPages
  /** Forgets those of a line; of all lines of a batch, where none is named. */
  forget(batch: string, line?: number): Promise<void>
}

/** Keeps no page that failed because no engine was there: the line is run again when there is one. */
export function untilOutage(pages: FinishedPages | null): FinishedPages {
  return {
    has: (page) => pages?.has(page) ?? false,
    find: (page) => pages?.find(page) ?? null,
    async add(page, result) {
      if (result.error?.code === 'engine_unavailable') throw result.error
      await pages?.add(page, result)
    },
  }
}
