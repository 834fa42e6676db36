import { shareLoop } from '../../schedule/loop-share.ts'
import { closingQuote } from './json-scan.ts'

const QUOTE = '"'.charCodeAt(0)
const COLON = ':'.charCodeAt(0)
const OPEN_BRACE = '{'.charCodeAt(0)
const OPEN_BRACKET = '['.charCodeAt(0)
const CLOSE_BRACE = '}'.charCodeAt(0)
const CLOSE_BRACKET = ']'.charCodeAt(0)
const SPACES = new Set(Array.from(' \n\t\r', (character) => character.charCodeAt(0)))

/** So many bytes are looked at before others have their turn. */
const STEP = 64 * 1024

/**
 * Returns a name that stands twice in one object of a valid JSON text; null where there is none. JSON.parse keeps the last
 * of names that are repeated, and other parsers take the first.
 */
export async function repeatedName(json: Buffer): Promise<string | null> {
  /** The names so far of each object that is open; null for an array. */
  const open: (Set<string> | null)[] = []
  let looked = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number
    if (byte === QUOTE) {
      const close = closingQuote(json, at + 1)
      const names = open.at(-1) ?? null
      if (names !== null && isName(json, close + 1)) {
        const name = nameAt(json, at, close)
        if (names.has(name)) return name
        names.add(name)
      }
      at = close
    } else if (byte === OPEN_BRACE) open.push(new Set())
    else if (byte === OPEN_BRACKET) open.push(null)
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) open.pop()
    if (at - looked > STEP) {
      looked = at
      await shareLoop()
    }
  }
  if (json.length > STEP) await shareLoop()
  return null
}

/** Tells whether a string that ends before `from` is followed by a colon. */
function isName(json: Buffer, from: number): boolean {
  let at = from
  while (SPACES.has(json[at] ?? 0)) at++
  return json[at] === COLON
}

function nameAt(json: Buffer, open: number, close: number): string {
  const name = json.toString('utf8', open + 1, close)
  return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name
}
