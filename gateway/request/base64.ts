import { shareLoop } from '../schedule/loop-share.ts'
import type { JsonText } from './json-text.ts'

/** So many signs are decoded at a time; a multiple of four. */
const STEP = 256 * 1024

/** Why a text was not decoded. */
export type Base64Failure = 'invalid' | 'too-large'

/**
 * Decodes base64, standard or URL-safe, padded or not, straight from a JSON text. Blanks anywhere, and `%2B` for `+`, are
 * read as well. Takes time in proportion to the text, and lets others have their turn meanwhile.
 */
export async function decodeBase64(text: JsonText, maxBytes: number): Promise<Uint8Array | Base64Failure> {
  if (text.to - text.from <= LARGE) return decode(text, maxBytes)
  // While one is decoded, it is held twice.
  const decoded = lastLarge.then(() => decode(text, maxBytes))
  lastLarge = decoded.catch(() => {})
  return decoded
}

/** Longer texts are decoded one after the other. */
const LARGE = 4 * 1024 * 1024
let lastLarge: Promise<unknown> = Promise.resolve()

async function decode(text: JsonText, maxBytes: number): Promise<Uint8Array | Base64Failure> {
  const { bytes, to } = text
  // Not from Node's pool of small buffers; pages of it that are never written to take no memory.
  const room = Math.min(Math.ceil(((to - text.from) * 3) / 4), maxBytes)
  const target = Buffer.allocUnsafeSlow(room + 3)
  let from = text.from
  let length = 0
  // Nearly all base64 holds nothing but its signs. Node skips others and stops at "=": then too few bytes come out.
  for (let take = wholeQuads(to - from); take > 0 && length <= maxBytes; take = wholeQuads(to - from)) {
    const decoded = target.write(bytes.toString('latin1', from, from + take), length, 'base64')
    if (decoded !== (take / 4) * 3) break
    from += take
    length += decoded
    await shareLoop()
  }
  const careful = { signs: Buffer.allocUnsafe(Math.min(STEP, to - from) + 3), count: 0, padding: 0 }
  while (from < to && length <= maxBytes) {
    const next = takeSigns({ bytes, from, to: Math.min(to, from + STEP) }, to, careful)
    if (next === null) return 'invalid'
    from = next
    length += decodeQuads(careful, target, length)
    await shareLoop()
  }
  if (length > maxBytes) return 'too-large'
  const { signs, count, padding } = careful
  if (count === 1 || padding > 2 || (padding > 0 && count + padding !== 4)) return 'invalid'
  length += target.write(signs.toString('latin1', 0, count), length, 'base64')
  return length > maxBytes ? 'too-large' : target.subarray(0, length)
}

/** Leaves the end, where padding may be, to the careful way. */
function wholeQuads(left: number): number {
  return Math.min(STEP, Math.floor((left - 4) / 4) * 4)
}

/** The signs that were read and not decoded yet, and how many "=" came behind them. */
interface Careful {
  readonly signs: Buffer
  count: number
  padding: number
}

/** Decodes all signs but those that do not make up three bytes yet. Returns the number of bytes. */
function decodeQuads(careful: Careful, target: Buffer, at: number): number {
  const { signs, count } = careful
  const whole = count - (count % 4)
  // The last quad is padded, or what does not fit any more: the target keeps three bytes of room for a document too large.
  const decoded = target.write(signs.toString('latin1', 0, whole), at, 'base64')
  signs.copy(signs, 0, whole, count)
  careful.count = count - whole
  return decoded
}

const SIGN = 1
const BLANK = 2
const PADDING = 3
const ESCAPE = 4
const PERCENT = 5
const OTHER = 6

const kinds = new Uint8Array(256)
for (let code = 0x80; code < 0x100; code++) kinds[code] = OTHER
for (const sign of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_')
  kinds[sign.charCodeAt(0)] = SIGN
kinds[0x20] = BLANK
kinds['='.charCodeAt(0)] = PADDING
kinds['\\'.charCodeAt(0)] = ESCAPE
kinds['%'.charCodeAt(0)] = PERCENT

/**
 * Takes the signs from a stretch of the text, and returns where the next stretch begins: what is escaped is not cut in
 * two. Returns null for a text that is no base64.
 */
function takeSigns({ bytes, from, to }: JsonText, end: number, careful: Careful): number | null {
  const { signs } = careful
  let { count, padding } = careful
  for (let at = from; ;) {
    if (padding === 0) {
      // Most characters are signs: nothing else is looked at between them.
      while (at < to && kinds[bytes[at] as number] === SIGN) signs[count++] = bytes[at++] as number
    }
    if (at >= to) {
      Object.assign(careful, { count, padding })
      return at
    }
    let code = bytes[at] as number
    let kind = kinds[code] as number
    let length = 1
    if (kind >= ESCAPE) {
      length = lengthOf(bytes, at, kind)
      code = at + length > end ? 0 : unescaped(bytes, at, length)
      kind = kindOf(code)
    }
    if (kind === SIGN && padding === 0) signs[count++] = code
    else if (kind === PADDING) padding += 1
    else if (kind !== BLANK) return null
    at += length
  }
}

const LETTER_U = 'u'.charCodeAt(0)

/** Returns how many bytes a character takes that is escaped, or beyond ASCII. */
function lengthOf(bytes: Buffer, at: number, kind: number): number {
  if (kind === PERCENT) return 3
  if (kind === ESCAPE) return bytes[at + 1] === LETTER_U ? 6 : 2
  const first = bytes[at] ?? 0
  return first < 0xe0 ? 2 : 3
}

/** What may stand for a sign or a blank behind a backslash. */
const simpleEscapes: Readonly<Record<number, number>> = Object.fromEntries(
  ['\nn', '\rr', '\tt', '\ff', '//'].map((pair) => [pair.charCodeAt(1), pair.charCodeAt(0)]),
)

/** Returns the code of such a character; 0 for what is neither a sign nor a blank. */
function unescaped(bytes: Buffer, at: number, length: number): number {
  if (length === 6) return hex(bytes, at + 2) * 0x1000 + hex(bytes, at + 3) * 0x100 + byteOf(bytes, at + 4)
  if (bytes[at] === PERCENT_SIGN) return byteOf(bytes, at + 1)
  if (bytes[at] === BACKSLASH) return simpleEscapes[bytes[at + 1] ?? 0] ?? 0
  return bytes.toString('utf8', at, at + length).charCodeAt(0)
}

const PERCENT_SIGN = '%'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

const byteOf = (bytes: Buffer, at: number): number => hex(bytes, at) * 0x10 + hex(bytes, at + 1)

/** Returns what a hexadecimal digit counts; what is none makes the number too large for any character. */
function hex(bytes: Buffer, at: number): number {
  const byte = bytes[at] ?? 0
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 0x100000
}

/** Tells what an unescaped character is to base64. */
function kindOf(code: number): number {
  const kind = code < 0x80 ? (kinds[code] ?? 0) : 0
  if (kind === SIGN || kind === PADDING || kind === BLANK) return kind
  return code <= 0xffff && /\s/.test(String.fromCharCode(code)) ? BLANK : 0
}
