const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFD]+/gu

/**
 * Returns a name that a document gives, fit for one line of an answer: without control characters and those that change
 * the direction of text, at most `maxLength` characters. Null when nothing is left of it.
 */
export function plainName(name: string, maxLength: number): string | null {
  // Characters beyond the first plane take two units; what is longer is cut before anything looks at it.
  const start = name.slice(0, 4 * maxLength)
  const plain = start.replaceAll(CONTROL, ' ').replaceAll(/\s+/g, ' ').trim()
  const characters = Array.from(plain)
  const short = characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : plain
  return short === '' ? null : short
}
