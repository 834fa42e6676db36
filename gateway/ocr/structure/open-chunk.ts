import type { OcrDocumentChunk } from '../../wire/openai/ocr-document.ts'
import { tokensOf } from './split-text.ts'

/** What stands between the texts of two pages that a chunk has text of. */
export type Joint = (before: number, after: number) => string

/** A stretch of a page's Markdown that goes into one chunk. */
export interface Unit {
  readonly page: number
  readonly markdown: string
  readonly start: number
  readonly end: number
  readonly tokens: number
}

/** What a chunk has: headings and nothing else yet; captions below them; text; a table, and no other text than its captions. */
export type Holds = 'headings' | 'captions' | 'text' | 'table'

/** The chunk that is being made, and those that are complete. */
export interface OpenChunk {
  /** Null: nothing yet. */
  readonly holds: () => Holds | null
  /** How many tokens it has left. */
  readonly room: () => number
  readonly put: (unit: Unit, holds: Holds, headings: readonly string[]) => void
  /** Completes it. */
  readonly flush: () => void
  /** Returns the complete ones, once. */
  readonly take: () => OcrDocumentChunk[]
}

/** Creates what chunks of at most so many tokens are put together in. */
export function createOpenChunk(most: number, joint: Joint): OpenChunk {
  let done: OcrDocumentChunk[] = []
  let units: Unit[] = []
  let tokens = 0
  let held: Holds | null = null
  let path: readonly string[] = []
  return {
    holds: () => held,
    room: () => most - tokens,
    put(unit, holds, headings) {
      units.push(unit)
      tokens += unit.tokens
      held = holds
      path = headings
    },
    flush() {
      if (units.length > 0) done.push(chunkOf(units, path, joint))
      units = []
      tokens = 0
      held = null
    },
    take() {
      const complete = done
      done = []
      return complete
    },
  }
}

/** Takes a stretch of a page's Markdown, without the white space around it, as if it took no room. */
export function stretchOf({ page, markdown }: Pick<Unit, 'page' | 'markdown'>, start: number, end: number): Unit {
  const text = markdown.slice(start, end)
  const first = start + (text.length - text.trimStart().length)
  return { page, markdown, start: first, end: Math.max(first, start + text.trimEnd().length), tokens: 0 }
}

/** Takes a stretch of a page's Markdown, and estimates its tokens. */
export function unitOf(page: Pick<Unit, 'page' | 'markdown'>, start: number, end: number): Unit {
  const stretch = stretchOf(page, start, end)
  return { ...stretch, tokens: tokensOf(page.markdown.slice(stretch.start, stretch.end)) }
}

/** A chunk is all that stands between its first and its last unit, white space included. */
function chunkOf(units: readonly Unit[], headings: readonly string[], joint: Joint): OcrDocumentChunk {
  const first = units[0]!
  const last = units.at(-1)!
  const pages = [...new Map(units.map(({ page, markdown }) => [page, markdown]))]
  let text = ''
  for (const [index, [page, markdown]] of pages.entries()) {
    const before = pages[index - 1]
    if (before !== undefined) text += joint(before[0], page)
    text += markdown.slice(page === first.page ? first.start : 0, page === last.page ? last.end : undefined)
  }
  return { text, pages: pages.map(([page]) => page), headings: [...headings], start: first.start, end: last.end }
}
