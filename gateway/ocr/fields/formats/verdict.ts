/** What a format says of a value, as it is written on a page. */
export interface Verdict {
  /** `doubtful`: it may be right, and means more than one thing, or cannot be checked. */
  readonly status: 'ok' | 'doubtful' | 'invalid'
  /** The value in the one form that the format has for it; null where it is not known for sure. */
  readonly normalized: string | null
  /** What is wrong with it; null where nothing is. */
  readonly reason: string | null
}

/** Looks at a value of at most a thousand characters. */
export type Format = (text: string) => Verdict

/** Says that a value is right. */
export const right = (normalized: string): Verdict => ({ status: 'ok', normalized, reason: null })

/** Says that a value may be right. */
export const doubtful = (reason: string, normalized: string | null = null): Verdict => ({
  status: 'doubtful',
  normalized,
  reason,
})

/** Says that a value cannot be right. */
export const invalid = (reason: string): Verdict => ({ status: 'invalid', normalized: null, reason })

/** Returns a number as registers print it, in capitals, without the spaces, dots and dashes that people put in. */
export function bare(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\s.\-‐‑–—_/]/gu, '')
    .toUpperCase()
}
