/** Shorter JSON costs little, whatever it holds. */
const SMALL_JSON_CHARACTERS = 16 * 1024

/** In an answer, a token's log probability has nine characters for each bracket and colon that it is written with. */
const CHARACTERS_PER_SIGN = 6

/**
 * Tells whether JSON holds more objects, lists and names than an answer can: two signs that stand for a list take forty
 * bytes once they are parsed, and a megabyte of them a tenth of a second. Text within strings does not count.
 */
export function isTooDense(json: string): boolean {
  if (json.length <= SMALL_JSON_CHARACTERS) return false
  let left = json.length / CHARACTERS_PER_SIGN
  for (let at = 0; at < json.length; at += 1) {
    const sign = json.charCodeAt(at)
    if (sign === QUOTE) at = endOfString(json, at)
    else if ((sign === BRACE || sign === BRACKET || sign === COLON) && (left -= 1) < 0) return true
  }
  return false
}

const QUOTE = 0x22
const COLON = 0x3a
const BRACKET = 0x5b
const BACKSLASH = 0x5c
const BRACE = 0x7b

/** Returns where a string ends that begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
