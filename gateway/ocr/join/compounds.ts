const COMPOUND = /(?<![\p{L}\p{M}])[\p{L}\p{M}]{2,30}[-\u2010][\p{L}\p{M}]{2,30}(?![\p{L}\p{M}])/gu
/** More than a book has. */
const MAX_KNOWN = 20_000

/** Notes the words that a text has with a hyphen within a line: broken at the hyphen, they keep it. */
export function noteCompounds(text: string, known: Set<string>): void {
  for (const [word] of text.matchAll(COMPOUND)) {
    if (known.size >= MAX_KNOWN) return
    known.add(word.toLowerCase().replace('\u2010', '-'))
  }
}
