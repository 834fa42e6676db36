/** When a repeated end is taken for a loop. */
export interface RepetitionRule {
  /** Shorter answers are left alone. Characters. */
  readonly minLength: number
  /** How often the same piece must stand at the end. */
  readonly minRepeats: number
}

/**
 * Keeps one copy of a piece of text that fills the end of an answer over and over, as greedy decoding leaves it when it
 * loops. After `clean_repeated_substrings` in https://github.com/Tencent-Hunyuan/HunyuanOCR/blob/b138959/README.md, but
 * repeated until nothing changes, so that cleaning twice is cleaning once.
 */
export function dropRepeatedTail(text: string, rule: RepetitionRule): string {
  const kept = dropOnce(text, rule)
  return kept.length === text.length ? text : dropRepeatedTail(kept, rule)
}

function dropOnce(text: string, { minLength, minRepeats }: RepetitionRule): string {
  if (text.length < minLength) return text
  // Shortest first, so that what stays is the smallest whole piece.
  for (let length = 2; length <= text.length / minRepeats; length++) {
    const repeats = tailRepeats(text, length)
    if (repeats >= minRepeats) return text.slice(0, text.length - length * (repeats - 1))
  }
  return text
}

function tailRepeats(text: string, length: number): number {
  const piece = text.slice(-length)
  let repeats = 1
  while (text.startsWith(piece, text.length - length * (repeats + 1)) && length * (repeats + 1) <= text.length)
    repeats++
  return repeats
}
