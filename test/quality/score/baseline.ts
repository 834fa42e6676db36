import type { Verdict } from './verdict.ts'
import { foldSpaces } from './normalize-text.ts'

/** What a baseline fact demands of a page. */
export interface Baseline {
  /** Letters and digits that a blank page may have; null for a page with text. */
  readonly maxLength: number | null
  readonly skipsImageTags: boolean
  readonly maxRepeats: number
  /** Whether Chinese, Japanese and emoji are held to be invented. */
  readonly checksCharacters: boolean
}

/** The longest piece whose repetitions are counted. */
const MAX_PIECE = 5

const DISALLOWED =
  /[\u4e00-\u9fff\u3040-\u309f\u30a0-\u30ff\u{1f600}-\u{1f64f}\u{1f300}-\u{1f5ff}\u{1f680}-\u{1f6ff}\u{1f1e0}-\u{1f1ff}]/gu

/** Judges a text as olmOCR-bench's `BaselineTest` does: it is not empty, ends in no loop, and has no odd characters. */
export function judgeBaseline(baseline: Baseline, text: string): Verdict {
  if (baseline.maxLength !== null) {
    const counted = baseline.skipsImageTags ? text.replaceAll(/!\[[^\n]*?\]\([^\n]*?\)/g, '') : text
    const length = alphanumerics(counted)
    if (length <= baseline.maxLength) return { passed: true }
    return { passed: false, why: `${length} letters and digits on a page that should be blank` }
  }
  if (alphanumerics(text) === 0) return { passed: false, why: 'there is no letter and no digit' }
  const loop = repeatsAtEnd(text).findIndex((count) => count > baseline.maxRepeats)
  if (loop >= 0) return { passed: false, why: `ends with a piece of ${loop + 1} characters over and over` }
  const odd = baseline.checksCharacters ? (text.match(DISALLOWED) ?? []) : []
  if (odd.length === 0) return { passed: true }
  return {
    passed: false,
    why: `has ${odd.length} characters that are not of its language: ${odd.slice(0, 5).join(' ')}`,
  }
}

function alphanumerics(text: string): number {
  return text.match(/[\p{L}\p{N}]/gu)?.length ?? 0
}

/** Counts for pieces of one to five characters how often the one at the very end stands there, one copy after the other. */
export function repeatsAtEnd(text: string): readonly number[] {
  const points = Array.from(foldSpaces(text))
  return Array.from({ length: MAX_PIECE }, (_, index) => {
    const size = index + 1
    if (points.length < size) return 0
    let matched = 0
    while (size + matched < points.length && points.at(-1 - matched) === points.at(-1 - matched - size)) matched += 1
    return 1 + Math.floor(matched / size)
  })
}
