/** From when on a repeated end counts as a loop. */
export interface RepetitionRule {
  /** Shorter answers are left alone. Characters. */
  readonly minLength: number
  /** How often the same piece must be repeated at the end. */
  readonly minRepeats: number
  /** Longer pieces are not looked for; left out: any. Characters. */
  readonly maxPiece?: number
  /** All copies together must have this length; left out: any. Characters. */
  readonly minRepeated?: number
}

/**
 * Keeps one copy of a piece of text that is repeated at the end of an answer, which is what greedy decoding leaves when
 * it loops. After `clean_repeated_substrings` in https://github.com/Tencent-Hunyuan/HunyuanOCR/blob/b138959/README.md,
 * but repeated until nothing changes, so that cleaning twice is cleaning once.
 */
export function dropRepeatedTail(text: string, rule: RepetitionRule): string {
  const kept = dropOnce(text, rule)
  return kept.length === text.length ? text : dropRepeatedTail(kept, rule)
}

function dropOnce(
  text: string,
  { minLength, minRepeats, maxPiece = Infinity, minRepeated = 0 }: RepetitionRule,
): string {
  if (text.length < minLength) return text
  // Tries the shortest piece first, so that the smallest one is kept.
  for (let length = 2; length <= Math.min(maxPiece, text.length / minRepeats); length++) {
    const repeats = tailRepeats(text, length)
    if (repeats >= minRepeats && repeats * length >= minRepeated)
      return text.slice(0, text.length - length * (repeats - 1))
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
