import { GatewayError } from '../errors.ts'

/** A string as it stands between its quotes in a JSON text: bytes of UTF-8, with its escapes. */
export interface JsonText {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

/** Returns a string as it would stand in a JSON text. */
export function jsonTextOf(text: string): JsonText {
  const bytes = Buffer.from(JSON.stringify(text))
  return { bytes, from: 1, to: bytes.length - 1 }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Returns what a string says. Throws `invalid_json` for one that is not valid. */
export function textOf({ bytes, from, to }: JsonText): string {
  try {
    return JSON.parse(`"${utf8.decode(bytes.subarray(from, to))}"`) as string
  } catch {
    throw new GatewayError('invalid_json', `The request body is not valid JSON, in the string at byte ${from}.`)
  }
}

/** Returns the beginning of a string, of at most so many characters. */
export function beginningOf({ bytes, from, to }: JsonText, maxLength: number): string {
  // An escape takes six bytes for one character.
  let end = Math.min(to, from + maxLength * 6)
  // Neither an escape nor a character of several bytes may be cut in two.
  const lastEscape = bytes.lastIndexOf(BACKSLASH, end - 1)
  if (end < to && lastEscape >= Math.max(from, end - 6)) end = firstOfRun(bytes, lastEscape, from)
  while (end < to && end > from && isContinuation(bytes[end])) end -= 1
  return textOf({ bytes, from, to: end }).slice(0, maxLength)
}

/** Returns where the next characters of a string begin, after its first so many. */
export function skipCharacters({ bytes, from, to }: JsonText, count: number): number {
  let at = from
  for (let left = count; left > 0 && at < to;) {
    const byte = bytes[at] ?? 0
    if (byte === BACKSLASH) at += bytes[at + 1] === LETTER_U ? 6 : 2
    else at += byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    // Characters beyond the first plane are two of UTF-16.
    left -= byte >= 0xf0 ? 2 : 1
  }
  return at
}

const BACKSLASH = '\\'.charCodeAt(0)
const LETTER_U = 'u'.charCodeAt(0)

function firstOfRun(bytes: Buffer, at: number, from: number): number {
  let first = at
  while (first > from && bytes[first - 1] === BACKSLASH) first--
  return first
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
